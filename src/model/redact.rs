//! Stable pseudonyms in place of every name an organisation has, so that whatever is made of it
//! afterwards names nobody.

use sha2::{Digest, Sha256};

use super::{Organisation, Owner, Provenance, Table, Text, Texts, Word};

/// A stable pseudonym: `kind-` and the first 48 bits of a SHA-256 over key, kind and name. Without a
/// secret key, somebody who guesses a name can confirm the guess.
#[must_use]
pub fn pseudonym(key: &str, kind: &str, name: &str) -> String {
    let mut hash = Sha256::new();
    for part in [key, kind, name] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    let digest = hash.finalize();
    let hex: String = digest
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{kind}-{hex}")
}

/// The name of a file: tables keep theirs, others may hold the organisation's.
#[must_use]
pub fn redacted_file(key: &str, name: &str) -> String {
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    let last = stem.rsplit(['/', '\\']).next().unwrap_or(stem);
    if last.len() == stem.len() && Table::parse(last).is_some() {
        name.to_owned()
    } else {
        format!("{}.{extension}", pseudonym(key, "file", name))
    }
}

impl Organisation {
    /// Replaces every name. Pseudonyms depend on the secret `key` and on nothing else but the name.
    pub fn redact(&mut self, key: &str) {
        let named = |kind: &str, text: &str| -> Box<str> {
            if text.is_empty() {
                Box::default()
            } else {
                pseudonym(key, kind, text).into()
            }
        };
        let retold = |texts: &mut Texts, kind: &str, text: Text| {
            let told = named(kind, texts.get(text));
            texts.keep(&told)
        };
        let renamed: Vec<_> = self
            .assets
            .iter()
            .map(|(id, asset)| (id, pseudonym(key, asset.kind.word(), asset.key)))
            .collect();
        for (id, name) in renamed {
            self.assets.rename(id, &name);
        }
        let owner = |texts: &mut Texts, owner: &mut Option<Owner>| {
            if let Some(Owner::Text(text)) = owner {
                *text = retold(texts, "text", *text);
            }
        };
        for found in self.provenances_mut() {
            *found = Provenance {
                file: redacted_file(key, &found.file).into(),
                line: found.line,
                object: named("object", &found.object),
            };
        }
        for row in &mut self.identities {
            row.name = retold(&mut self.texts, "name", row.name);
            row.department = retold(&mut self.texts, "department", row.department);
            owner(&mut self.texts, &mut row.owner);
        }
        for row in &mut self.systems {
            row.name = named("name", &row.name);
            owner(&mut self.texts, &mut row.owner);
        }
        for row in &mut self.processes {
            row.id = named("process", &row.key);
            row.key.clone_from(&row.id);
            row.name = named("name", &row.name);
            row.operator = named("operator", &row.operator);
            row.escalation = named("text", &row.escalation);
            for one in &mut row.owners {
                owner(&mut self.texts, one);
            }
        }
        for row in &mut self.grants {
            row.role = retold(&mut self.texts, "role", row.role);
        }
        for row in &mut self.recoveries {
            let folded = super::fold(self.texts.get(row.gate)).into_owned();
            row.gate = self.texts.keep(&named("gate", &folded));
        }
        for row in &mut self.resets {
            row.id = named("reset", &row.id);
            row.name = retold(&mut self.texts, "identity", row.name);
            row.process_name = retold(&mut self.texts, "process", row.process_name);
            row.evidence = Box::default();
            owner(&mut self.texts, &mut row.agent);
            for one in &mut row.approvers {
                if let Owner::Text(text) = one {
                    *text = retold(&mut self.texts, "text", *text);
                }
            }
        }
        for row in &mut self.coverage {
            row.source = named("source", &row.source);
            row.aspect = named("aspect", &row.aspect);
            row.scope = named("scope", &row.scope);
            row.detail = Box::default();
        }
        for input in &mut self.inputs {
            input.name = redacted_file(key, &input.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pseudonyms_are_stable_and_depend_on_the_key() {
        let plain = pseudonym("", "identity", "alice");
        assert_eq!(plain, pseudonym("", "identity", "alice"));
        assert_ne!(plain, pseudonym("secret", "identity", "alice"));
        assert_ne!(plain, pseudonym("", "mailbox", "alice"));
    }

    #[test]
    fn tables_keep_their_file_names() {
        assert_eq!(redacted_file("", "recoveries.csv"), "recoveries.csv");
        assert!(redacted_file("", "contoso_users.json").starts_with("file-"));
        assert!(redacted_file("", "contoso/recoveries.csv").starts_with("file-"));
    }
}

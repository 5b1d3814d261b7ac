//! Findings as SARIF 2.1.0 (OASIS, 2020), for dashboards that show what code scanners find: the
//! location is the row of the export, the code flow is the chain.

use std::collections::BTreeSet;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Control, RowEntry, View, chain, controls, frameworks, row_entry, row_key, visible};
use crate::analyze::IdentityResult;
use crate::diag::{Code, Severity};
use crate::model::{AssetId, IdentityKind, RowRef, Waiver, hexadecimal};
use crate::solve::{Answer, Unlocked};

/// The rule of an identity that unlocks a system of criticality 0.
const UNLOCKS: &str = "unlocks-critical";
/// Results that one run takes: what dashboards accept.
const RESULTS: usize = 20_000;

/// The document.
#[must_use]
pub fn sarif(view: &View<'_>) -> Value {
    let unlocking = unlocking(*view).count();
    let all = unlocking + view.scan.findings.len();
    let of_identities = unlocking_results(*view);
    let of_findings = view.scan.findings.iter().enumerate().map(|(at, finding)| {
        let level = match finding.code.severity() {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        let mut keys: Vec<String> = finding
            .rows
            .iter()
            .map(|&row| row_key(view.org, row))
            .collect();
        keys.sort_unstable();
        let mut one = result(
            finding.code.word(),
            level,
            &finding.message,
            locations(view, &finding.rows),
            &[vec![finding.code.word().to_owned()], keys].concat(),
        );
        suppress(&mut one, view.scan.waived.finding(at));
        one
    });
    // No more than are kept are made: there may be one for every identity.
    let results: Vec<Value> = of_identities.chain(of_findings).take(RESULTS).collect();
    let used: BTreeSet<String> = results
        .iter()
        .filter_map(|result| result["ruleId"].as_str().map(str::to_owned))
        .collect();
    let mut rules: Vec<Value> = Vec::new();
    if used.contains(UNLOCKS) {
        let text = "an identity whose reset, abused, brings down a system of criticality 0";
        rules.push(rule(UNLOCKS, text, "error"));
    }
    for code in Code::ALL.iter().filter(|code| used.contains(code.word())) {
        let level = match code.severity() {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        rules.push(rule(code.word(), code.description(), level));
    }
    let taxonomies = taxonomies(&used);
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "Linchpin",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
                "supportedTaxonomies": taxonomies
                    .iter()
                    .map(|one| json!({ "name": one["name"] }))
                    .collect::<Vec<_>>(),
            } },
            "taxonomies": taxonomies,
            "columnKind": "unicodeCodePoints",
            "results": results,
            "properties": { "unlocksCritical": unlocking, "omittedResults": all.saturating_sub(RESULTS) },
        }],
    })
}

fn rule(id: &str, text: &str, level: &str) -> Value {
    let mut rule = json!({
        "id": id,
        "shortDescription": { "text": escaped(text) },
        "defaultConfiguration": { "level": level },
    });
    let related = controls(id, None);
    let related = related.map(|control| json!({ "target": taxon(control), "kinds": ["relevant"] }));
    let related: Vec<Value> = related.collect();
    if !related.is_empty() {
        rule["relationships"] = json!(related);
    }
    rule
}

/// Frameworks that speak of some rules, with what of them does.
fn taxonomies(used: &BTreeSet<String>) -> Vec<Value> {
    let known = frameworks();
    let fits = |control: &&Control| control.of.iter().any(|of| used.contains(of));
    let all = known.frameworks.iter().filter_map(|framework| {
        let mine = known
            .controls
            .iter()
            .filter(|one| one.framework == framework.key);
        let taxa: Vec<Value> = mine
            .filter(fits)
            .map(|one| json!({ "id": one.id, "shortDescription": { "text": escaped(&one.name) } }))
            .collect();
        (!taxa.is_empty())
            .then(|| json!({ "name": framework.name, "version": framework.version, "taxa": taxa }))
    });
    all.collect()
}

/// A reference to a control among the taxonomies.
fn taxon(control: &Control) -> Value {
    let framework = frameworks().of(control).map(|framework| &*framework.name);
    json!({ "id": control.id, "toolComponent": { "name": framework } })
}

/// What is said of accounts of this kind beside what the rule says of all.
fn taxa(word: &str, kind: IdentityKind) -> Vec<Value> {
    let mine = controls(word, Some(kind)).filter(|control| !control.only.is_empty());
    mine.map(taxon).collect()
}

/// Identities that unlock a system of criticality 0, in the order of the tiers.
fn unlocking(view: View<'_>) -> impl Iterator<Item = Unlocking<'_>> {
    view.scan.identities.iter().filter_map(move |of| {
        let answer = of.answer.as_ref()?;
        let worst = answer.unlocks().first()?;
        (view.criticality(worst.system) == 0).then_some((of, answer, worst))
    })
}

/// An identity, what falls with it, and the worst of that.
type Unlocking<'a> = (&'a IdentityResult, &'a Answer, &'a Unlocked);

/// A result for each of them.
fn unlocking_results(view: View<'_>) -> impl Iterator<Item = Value> {
    unlocking(view).map(move |(result_of, answer, worst)| {
        let view = &view;
        let identity = &view.org.identities[result_of.identity as usize];
        let name = view.shown(identity.asset);
        let system = view.system(worst.system);
        let more = match answer.unlocks().len() {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        let message = format!("whoever resets `{name}` unlocks `{system}`{more}");
        let keys = [
            UNLOCKS.to_owned(),
            row_key(view.org, identity.row),
            system.to_lowercase(),
        ];
        let mut one = result(
            UNLOCKS,
            "error",
            &message,
            locations(view, &[identity.row]),
            &keys,
        );
        let taxa = taxa(UNLOCKS, identity.kind);
        if !taxa.is_empty() {
            one["taxa"] = json!(taxa);
        }
        let mut systems = answer.unlocks().iter().map(|one| AssetId(one.system.0));
        if view.scan.waived.covers(identity.asset, &mut systems) {
            let worst = AssetId(worst.system.0);
            suppress(&mut one, view.scan.waived.pair(identity.asset, worst));
        }
        if let Some(proof) = answer.proof() {
            let flow = chain(view, proof);
            let steps: Vec<Value> = flow
                .steps()
                .map(|step| {
                    let inputs: Vec<String> =
                        step.inputs.iter().map(|one| one.text(view)).collect();
                    let told = format!(
                        "{} -> {} ({})",
                        inputs.join(" + "),
                        step.yields.text(view),
                        step.how.join(" + ")
                    );
                    let place = step
                        .rows
                        .first()
                        .map(|&row| row_entry(view.org, view.sources, row));
                    let mut location = json!({ "message": { "text": escaped(&told) } });
                    if let Some(place) = place.as_ref().and_then(physical) {
                        location["physicalLocation"] = place;
                    }
                    json!({ "location": location })
                })
                .collect();
            if !steps.is_empty() {
                one["codeFlows"] = json!([{ "threadFlows": [{ "locations": steps }] }]);
            }
        }
        one
    })
}

fn result(rule: &str, level: &str, message: &str, locations: Vec<Value>, keys: &[String]) -> Value {
    json!({
        "ruleId": rule,
        "level": level,
        "message": { "text": escaped(message) },
        "locations": locations,
        "partialFingerprints": { "linchpinRows/v1": fingerprint(keys) },
    })
}

/// An accepted risk is shown as one.
fn suppress(result: &mut Value, waiver: Option<&Waiver>) {
    if let Some(waiver) = waiver {
        let why = format!(
            "{} (until {}, {})",
            waiver.why, waiver.until_text, waiver.who
        );
        result["suppressions"] = json!([{ "kind": "external", "justification": visible(&why) }]);
    }
}

/// Made of row keys alone: the same for the same rows, wherever they stand.
fn fingerprint(keys: &[String]) -> String {
    let mut hash = Sha256::new();
    for key in keys {
        hash.update(key.as_bytes());
        hash.update([0]);
    }
    hexadecimal(&hash.finalize())
}

/// Rows that one result points at.
const PLACES: usize = 10;

fn locations(view: &View<'_>, rows: &[RowRef]) -> Vec<Value> {
    let entries = rows.iter().take(PLACES);
    let entries = entries.map(|&row| row_entry(view.org, view.sources, row));
    entries
        .filter_map(|entry| Some(json!({ "physicalLocation": physical(&entry)? })))
        .collect()
}

fn physical(entry: &RowEntry<'_>) -> Option<Value> {
    if entry.file.is_empty() {
        return None;
    }
    let mut place = json!({ "artifactLocation": { "uri": uri(&entry.file) } });
    if let Some(line) = entry.line.filter(|line| *line > 0) {
        place["region"] = json!({ "startLine": line });
    }
    Some(place)
}

/// A relative reference: what is no plain letter is written in hexadecimal.
fn uri(path: &str) -> String {
    const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~')
        .remove(b'/');
    utf8_percent_encode(&path.replace('\\', "/"), PLAIN).to_string()
}

/// Braces and brackets mean placeholders and links in a message.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in visible(text).chars() {
        match c {
            '{' => escaped.push_str("{{"),
            '}' => escaped.push_str("}}"),
            '[' | ']' | '\\' => {
                escaped.push('\\');
                escaped.push(c);
            }
            _ => escaped.push(c),
        }
    }
    escaped
}

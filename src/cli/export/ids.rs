//! The ids by which a tool itself knows accounts.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Identity, Organisation};
use crate::write::reset_tools::{self, Form};

/// Which names of accounts are ids of a tool: every directory has ids, and only the tool's own are meant.
pub(super) struct Ids<'a> {
    pub(super) org: &'a Organisation,
    /// By the name of a file: the export that it is part of.
    pub(super) files: BTreeMap<&'a str, &'a str>,
    /// The directories that the inputs, or the tables that came of them, are exports of.
    pub(super) sources: BTreeSet<&'a str>,
}

impl<'a> Ids<'a> {
    pub(super) fn new(org: &'a Organisation) -> Self {
        let inputs = org.inputs.iter();
        let files: BTreeMap<&str, &str> = inputs.map(|one| (&*one.name, &*one.holds)).collect();
        // Tables that were imported say in `coverage` of what.
        let covered = org.coverage.iter().map(|row| &*row.source);
        let sources = files.values().copied().chain(covered).collect();
        Self {
            org,
            files,
            sources,
        }
    }

    /// The name by which the tool itself knows an account: the native id of the row that an export of the
    /// tool's declares it by, else the one alias of that form, where no other directory may have given it.
    pub(super) fn native(
        &self,
        form: Form,
        identity: &Identity,
        names: &[String],
    ) -> Option<String> {
        const OTHERS: [&str; 4] = ["keycloak", "activedirectory", "sharphound", "opengraph"];
        let (tools, is_id): (&[&str], fn(&str) -> bool) = match form {
            Form::EntraGroup | Form::EntraAu | Form::EntraAttribute => {
                (&["entra", "azurehound"], reset_tools::is_guid)
            }
            Form::OktaGroup | Form::OktaProfile => (&["okta"], is_okta),
            // Whatever service SCIM is for, its ids are its own.
            _ => return None,
        };
        let from = self.org.provenance(&identity.meta);
        if let Some(from) = from {
            let source = self.files.get(&*from.file).copied();
            let is_known = match source {
                Some(source) => tools.contains(&source),
                None => self.is_alone(tools, &OTHERS),
            };
            if is_known && is_id(&from.object) {
                return Some(from.object.to_string());
            }
            if source.is_some() {
                return None;
            }
        }
        if !self.is_alone(tools, &OTHERS) {
            return None;
        }
        // Names are compared without regard to case, and so kept; ids of Okta are not the same then.
        let mut found = names.iter().filter(|name| is_id(name));
        match (found.next(), found.next()) {
            (Some(one), None) if reset_tools::is_guid(one) => Some(one.clone()),
            _ => None,
        }
    }

    /// Whether no other directory has given ids that look alike.
    pub(super) fn is_alone(&self, tools: &[&str], others: &[&str]) -> bool {
        !others
            .iter()
            .any(|other| self.sources.contains(other) && !tools.contains(other))
    }
}

pub(super) fn is_okta(id: &str) -> bool {
    id.starts_with("00u") && !id.contains('@')
}

//! Fields of objects, whose names SharpHound writes in varying case.

use std::borrow::Cow;
use std::rc::Rc;

use rustc_hash::FxHashSet;
use serde_json::value::RawValue;

use crate::ingest::json::{Members, Text};

/// Texts that many objects share: kept once.
#[derive(Default)]
pub(super) struct Words(FxHashSet<Rc<str>>);

impl Words {
    pub(super) fn of(&mut self, text: &str) -> Rc<str> {
        if let Some(known) = self.0.get(text) {
            return Rc::clone(known);
        }
        let word: Rc<str> = text.into();
        self.0.insert(Rc::clone(&word));
        word
    }
}

/// Members of an object that are asked for by name, without regard to case, in one go.
pub(super) fn strings<const N: usize>(value: &RawValue, wanted: [&str; N]) -> Option<[String; N]> {
    let Members(members) = serde_json::from_str(value.get()).ok()?;
    let mut found = [const { String::new() }; N];
    for (key, value) in members {
        let at = wanted
            .iter()
            .position(|wanted| key.eq_ignore_ascii_case(wanted));
        if let Some(at) = at
            && let Ok(Some(text)) = serde_json::from_str::<Option<Cow<'_, str>>>(value.get())
        {
            found[at] = text.trim().to_owned();
        }
    }
    Some(found)
}

/// A JSON object whose keys are compared without regard to case, as BloodHound's reader does.
pub(super) struct Fields<'a> {
    pub(super) text: Text<'a>,
    pub(super) members: Vec<(String, &'a RawValue)>,
}

impl<'a> Fields<'a> {
    pub(super) fn of(text: Text<'a>, value: &'a RawValue) -> Option<Self> {
        let Members(members) = serde_json::from_str(value.get()).ok()?;
        let members = members
            .into_iter()
            .map(|(key, value)| (key.to_lowercase(), value))
            .collect();
        Some(Self { text, members })
    }

    pub(super) fn raw(&self, key: &str) -> Option<&'a RawValue> {
        self.members
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| *value)
    }

    pub(super) fn string(&self, key: &str) -> String {
        let text = self
            .raw(key)
            .and_then(|value| serde_json::from_str::<Option<String>>(value.get()).ok());
        text.flatten().unwrap_or_default().trim().to_owned()
    }

    pub(super) fn boolean(&self, key: &str) -> Option<bool> {
        serde_json::from_str::<Option<bool>>(self.raw(key)?.get())
            .ok()
            .flatten()
    }

    /// A list; nothing where something else stands.
    pub(super) fn list(&self, key: &str) -> Option<Vec<&'a RawValue>> {
        match self.raw(key) {
            None => Some(Vec::new()),
            Some(value) => serde_json::from_str::<Option<Vec<_>>>(value.get())
                .ok()
                .map(Option::unwrap_or_default),
        }
    }

    pub(super) fn object(&self, key: &str) -> Option<Self> {
        Self::of(self.text, self.raw(key)?)
    }
}

//! The files of a collection, read into objects: users, groups and domains with their rights.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::ExportFile;
use super::super::table::Maker;
use crate::diag::{Code, Diagnostic, Origin};
use crate::ingest::json::{Members, Text};

/// The values of `meta.type` that SharpHound writes.
pub(super) const KINDS: [&str; 12] = [
    "users",
    "groups",
    "computers",
    "domains",
    "ous",
    "gpos",
    "containers",
    "certtemplates",
    "enterprisecas",
    "rootcas",
    "aiacas",
    "ntauthstores",
];

#[derive(Deserialize)]
pub(super) struct Meta {
    pub(super) r#type: String,
    #[serde(default)]
    pub(super) version: u32,
    #[serde(default)]
    pub(super) count: Option<u64>,
}

/// An object of the collection, in the parts that the tables have a place for.
#[derive(Default)]
pub(super) struct Object {
    pub(super) kind: ObjectKind,
    pub(super) sid: String,
    pub(super) from: Option<Origin>,
    pub(super) name: String,
    /// Names of other objects with the same SID.
    pub(super) other_names: Vec<String>,
    pub(super) domain_sid: String,
    pub(super) distinguished_name: String,
    pub(super) display_name: String,
    pub(super) email: String,
    pub(super) enabled: Option<bool>,
    pub(super) is_service: bool,
    pub(super) primary_group: String,
    pub(super) members: Vec<Reference>,
    pub(super) rights: Vec<Right>,
    /// What else was named in it and has no place.
    pub(super) left_out: BTreeMap<&'static str, u64>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ObjectKind {
    #[default]
    User,
    Group,
    Domain,
}

pub(super) struct Reference {
    pub(super) sid: String,
    pub(super) kind: String,
    pub(super) origin: Origin,
}

pub(super) struct Right {
    pub(super) principal: Reference,
    pub(super) name: String,
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

/// Reads users, groups and domains; an object that stands in several places is put together.
pub(super) fn read_objects(files: &[ExportFile<'_>], maker: &mut Maker<'_>) -> Vec<Object> {
    let mut objects: Vec<Object> = Vec::new();
    let mut by_sid: BTreeMap<String, usize> = BTreeMap::new();
    for file in files {
        let find = |wanted: &str| {
            file.members
                .iter()
                .find(|(key, _)| key.eq_ignore_ascii_case(wanted))
                .map(|(_, value)| *value)
        };
        let Some(meta) =
            find("meta").and_then(|meta| serde_json::from_str::<Meta>(meta.get()).ok())
        else {
            continue;
        };
        let data = find("data").map(|data| serde_json::from_str::<Vec<&RawValue>>(data.get()));
        let Some(Ok(items)) = data else {
            maker.say(
                Diagnostic::new(
                    Code::BadSyntax,
                    format!("`{}` holds no list `data`", file.name),
                )
                .in_file(file.text.file)
                .help("if the file was edited or cut off, collect it again"),
            );
            continue;
        };
        if meta.count.is_some_and(|count| count != items.len() as u64) {
            let said = meta.count.unwrap_or_default();
            let message = format!(
                "`{}` says that it holds {said} objects and holds {}",
                file.name,
                items.len()
            );
            maker.say(
                Diagnostic::new(Code::ShortExport, message)
                    .in_file(file.text.file)
                    .help("a part of the collection may be missing: collect it again"),
            );
        }
        if !(5..=6).contains(&meta.version) {
            maker.say(
                Diagnostic::new(
                    Code::AmbiguousExport,
                    format!(
                        "`{}` is a collection of version {}; versions 5 and 6 are known",
                        file.name, meta.version
                    ),
                )
                .in_file(file.text.file),
            );
        }
        let kind = match meta.r#type.to_lowercase().as_str() {
            "users" => ObjectKind::User,
            "groups" => ObjectKind::Group,
            "domains" => ObjectKind::Domain,
            other => {
                for _ in &items {
                    maker.object(file.text.file);
                    maker.leave_out(other);
                }
                continue;
            }
        };
        for item in items {
            maker.object(file.text.file);
            let origin = file.text.origin(item);
            let Some(object) =
                Fields::of(file.text, item).and_then(|fields| read_object(kind, &fields, origin))
            else {
                maker.say(
                    Diagnostic::new(
                        Code::BadSyntax,
                        "an object of the collection without an `ObjectIdentifier`",
                    )
                    .at(origin, "expected an object of a SharpHound collection"),
                );
                continue;
            };
            let Some(mut object) = object else {
                maker.leave_out("deleted objects");
                continue;
            };
            for (what, count) in std::mem::take(&mut object.left_out) {
                for _ in 0..count {
                    maker.leave_out(what);
                }
            }
            match by_sid.get(&object.sid) {
                Some(&known) => merge(&mut objects[known], object, maker),
                None => {
                    by_sid.insert(object.sid.clone(), objects.len());
                    objects.push(object);
                }
            }
        }
    }
    objects
}

/// Outer nothing: no object; inner nothing: deleted.
pub(super) fn read_object(
    kind: ObjectKind,
    fields: &Fields<'_>,
    origin: Origin,
) -> Option<Option<Object>> {
    let sid = fields.string("objectidentifier").to_uppercase();
    if sid.is_empty() {
        return None;
    }
    if fields.boolean("isdeleted") == Some(true) {
        return Some(None);
    }
    let properties = fields.object("properties");
    let string = |key: &str| {
        properties
            .as_ref()
            .map(|properties| properties.string(key))
            .unwrap_or_default()
    };
    let boolean = |key: &str| {
        properties
            .as_ref()
            .and_then(|properties| properties.boolean(key))
    };
    let mut left_out = BTreeMap::new();
    for (key, what) in [
        ("hassidhistory", "SID histories"),
        ("allowedtodelegate", "delegations"),
        ("trusts", "domain trusts"),
    ] {
        let count = fields.list(key).map_or(0, |list| list.len() as u64);
        if count > 0 {
            left_out.insert(what, count);
        }
    }
    let reference = |value: &&RawValue, sid: &str, kind: &str| {
        let fields = Fields::of(fields.text, value)?;
        let found = Reference {
            sid: fields.string(sid).to_uppercase(),
            kind: fields.string(kind),
            origin: fields.text.origin(value),
        };
        (!found.sid.is_empty()).then_some(found)
    };
    let mut malformed = 0;
    let mut list = |key: &str| {
        let list = fields.list(key);
        malformed += u64::from(list.is_none());
        list.unwrap_or_default()
    };
    let (named, aces) = (list("members"), list("aces"));
    let members: Vec<_> = named
        .iter()
        .filter_map(|value| reference(value, "objectidentifier", "objecttype"))
        .collect();
    let rights: Vec<_> = aces
        .iter()
        .filter_map(|value| {
            let principal = reference(value, "principalsid", "principaltype")?;
            let name = Fields::of(fields.text, value)?.string("rightname");
            (!name.is_empty()).then_some(Right { principal, name })
        })
        .collect();
    malformed += (named.len() - members.len() + aces.len() - rights.len()) as u64;
    if malformed > 0 {
        left_out.insert("malformed members and rights", malformed);
    }
    Some(Some(Object {
        kind,
        sid,
        from: Some(origin),
        name: string("name"),
        other_names: Vec::new(),
        domain_sid: string("domainsid").to_uppercase(),
        distinguished_name: string("distinguishedname").to_uppercase(),
        display_name: string("displayname"),
        email: string("email"),
        enabled: boolean("enabled"),
        is_service: ["gmsa", "msa", "hasspn"]
            .iter()
            .any(|key| boolean(key) == Some(true)),
        primary_group: fields.string("primarygroupsid").to_uppercase(),
        members,
        rights,
        left_out,
    }))
}

/// One SID is one account or group, whatever the files say: rights and members add up, the fuller
/// description stands.
pub(super) fn merge(known: &mut Object, mut other: Object, maker: &mut Maker<'_>) {
    let differ = !known.name.is_empty() && !other.name.is_empty() && known.name != other.name;
    if differ
        && known.kind == other.kind
        && let (Some(at), Some(first)) = (other.from, known.from)
    {
        let message = format!(
            "`{}` and `{}` have the same SID {}: they are taken as one",
            known.name, other.name, known.sid
        );
        maker.say(
            Diagnostic::new(Code::AmbiguousExport, message)
                .at(at, "the second object with this SID")
                .related(first, "the first one"),
        );
    }
    if known.name.is_empty()
        || (known.distinguished_name.is_empty() && !other.distinguished_name.is_empty())
    {
        std::mem::swap(known, &mut other);
    }
    if differ {
        known.other_names.push(std::mem::take(&mut other.name));
    }
    known.members.append(&mut other.members);
    known.rights.append(&mut other.rights);
    known.enabled = known.enabled.or(other.enabled);
    if known.primary_group.is_empty() {
        known.primary_group = other.primary_group;
    }
}

//! The files of a collection, read into objects: users, groups and domains with their rights.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::ExportFile;
use super::super::table::Maker;
use super::fields::{Fields, Words, strings};
use super::rights::{self, Rights};
use super::stream;
use crate::diag::{Code, Diagnostic, Origin};
use crate::ingest::json::{self, Members, Text};

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
    pub(super) domain_sid: Rc<str>,
    pub(super) distinguished_name: String,
    pub(super) display_name: String,
    /// `DOMAIN\name`, as mailboxes and old exports write accounts.
    pub(super) sam: String,
    pub(super) email: String,
    pub(super) enabled: Option<bool>,
    pub(super) is_service: bool,
    /// One, or one of each object with this SID.
    pub(super) primary_groups: Vec<Rc<str>>,
    pub(super) members: Vec<Reference>,
    pub(super) rights: Vec<Right>,
    /// What else was named in it and has no place.
    pub(super) left_out: BTreeMap<String, u64>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ObjectKind {
    #[default]
    User,
    Group,
    Domain,
}

pub(super) struct Reference {
    pub(super) sid: Rc<str>,
    pub(super) kind: Rc<str>,
    pub(super) origin: Origin,
}

pub(super) struct Right {
    pub(super) principal: Reference,
    pub(super) name: Rc<str>,
}

/// Reads users, groups and domains; an object that stands in several places is put together.
pub(super) fn read_objects(files: &[ExportFile<'_>], maker: &mut Maker<'_>) -> Vec<Object> {
    let mut objects = Objects::default();
    for file in files {
        let read = match &file.large {
            Some(path) => read_large(file, path, &mut objects, maker),
            None => read_small(file, &mut objects, maker),
        };
        let Some((meta, count)) = read else {
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
        if let Some(said) = meta.count.filter(|&said| said > count) {
            let message = format!(
                "`{}` says that it holds {said} objects and holds {count}",
                file.name
            );
            maker.say(
                Diagnostic::new(Code::ShortExport, message)
                    .in_file(file.text.file)
                    .help("a part of the collection may be missing: collect it again"),
            );
        }
        if !VERSIONS.contains(&meta.version) {
            maker.say(
                Diagnostic::new(
                    Code::AmbiguousExport,
                    format!(
                        "`{}` is a collection of version {}; versions 3 to 6 are known",
                        file.name, meta.version
                    ),
                )
                .in_file(file.text.file),
            );
        }
    }
    objects.list
}

/// Versions of the format; 3 is that of the old collectors.
const VERSIONS: std::ops::RangeInclusive<u32> = 3..=6;

fn read_small(
    file: &ExportFile<'_>,
    objects: &mut Objects,
    maker: &mut Maker<'_>,
) -> Option<(Meta, u64)> {
    let Members(members) = json::top_object(file.text)?;
    let find = |wanted: &str| {
        members
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| *value)
    };
    let meta: Meta = serde_json::from_str(find("meta")?.get()).ok()?;
    let data = find("data").or_else(|| find(&meta.r#type))?;
    let items: Vec<&RawValue> = serde_json::from_str(data.get()).ok()?;
    let kind = ObjectKind::of(&meta);
    for item in &items {
        objects.read(kind, &meta, file, file.text, item, maker);
    }
    Some((meta, items.len() as u64))
}

fn read_large(
    file: &ExportFile<'_>,
    path: &std::path::Path,
    objects: &mut Objects,
    maker: &mut Maker<'_>,
) -> Option<(Meta, u64)> {
    let meta = stream::meta(path)?;
    let kind = ObjectKind::of(&meta);
    let mut count = 0;
    let done = stream::each(path, &["data", &meta.r#type], &mut |item, line| {
        count += 1;
        let text = Text::part(file.text.file, item.get(), line);
        objects.read(kind, &meta, file, text, item, maker);
    });
    if let Err(error) = done {
        maker.say(
            Diagnostic::new(
                Code::BadSyntax,
                format!("`{}` is not well-formed JSON: {error}", file.name),
            )
            .in_file(file.text.file)
            .help("if the file was cut off, collect it again"),
        );
    }
    Some((meta, count))
}

impl ObjectKind {
    /// Nothing for what stays out.
    fn of(meta: &Meta) -> Option<Self> {
        match meta.r#type.to_lowercase().as_str() {
            "users" => Some(Self::User),
            "groups" => Some(Self::Group),
            "domains" => Some(Self::Domain),
            _ => None,
        }
    }
}

/// The objects that were read.
#[derive(Default)]
struct Objects {
    list: Vec<Object>,
    by_sid: BTreeMap<String, usize>,
    words: Words,
}

impl Objects {
    fn read(
        &mut self,
        kind: Option<ObjectKind>,
        meta: &Meta,
        file: &ExportFile<'_>,
        text: Text<'_>,
        item: &RawValue,
        maker: &mut Maker<'_>,
    ) {
        maker.object(file.text.file);
        let Some(kind) = kind else {
            maker.leave_out(meta.r#type.to_lowercase());
            return;
        };
        let origin = text.origin(item);
        let words = &mut self.words;
        let Some(object) =
            Fields::of(text, item).and_then(|fields| read_object(kind, &fields, origin, words))
        else {
            maker.say(
                Diagnostic::new(
                    Code::BadSyntax,
                    "an object of the collection without an `ObjectIdentifier`",
                )
                .at(origin, "expected an object of a SharpHound collection"),
            );
            return;
        };
        let Some(mut object) = object else {
            maker.leave_out("deleted objects");
            return;
        };
        for (what, count) in std::mem::take(&mut object.left_out) {
            maker.leave_out_several(what, count);
        }
        match self.by_sid.get(&object.sid) {
            Some(&known) => merge(&mut self.list[known], object, maker),
            None => {
                self.by_sid.insert(object.sid.clone(), self.list.len());
                self.list.push(object);
            }
        }
    }
}

/// Outer nothing: no object; inner nothing: deleted.
pub(super) fn read_object(
    kind: ObjectKind,
    fields: &Fields<'_>,
    origin: Origin,
    words: &mut Words,
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
            left_out.insert(what.to_owned(), count);
        }
    }
    let mut malformed = 0;
    let mut list = |key: &str| {
        let list = fields.list(key);
        malformed += u64::from(list.is_none());
        list.unwrap_or_default()
    };
    let (named, aces) = (list("members"), list("aces"));
    let mut members = Vec::new();
    for value in &named {
        // Version 3 has names of its own.
        let keys = ["objectidentifier", "objecttype", "memberid", "membertype"];
        let Some([sid, kind, old_sid, old_kind]) = strings(value, keys) else {
            malformed += 1;
            continue;
        };
        let (sid, kind) = if sid.is_empty() {
            (old_sid, old_kind)
        } else {
            (sid, kind)
        };
        if sid.is_empty() {
            malformed += 1;
            continue;
        }
        members.push(Reference {
            sid: sid.to_uppercase().into(),
            kind: words.of(&kind),
            origin: fields.text.origin(value),
        });
    }
    let mut rights = Vec::new();
    for value in &aces {
        let keys = ["principalsid", "principaltype", "rightname", "acetype"];
        let Some([principal, of, right, ace_type]) = strings(value, keys) else {
            malformed += 1;
            continue;
        };
        let name = rights::name(&right, &ace_type);
        let principal = principal.to_uppercase();
        if principal.is_empty() || name.is_empty() {
            malformed += 1;
            continue;
        }
        // Most rights of a collection yield nothing; those are counted where they are read, so that
        // millions of them are never kept.
        let (yields, over) = match kind {
            ObjectKind::User => (rights::over_user(&name).is_some(), "users"),
            ObjectKind::Group => (rights::over_group(&name), "groups"),
            ObjectKind::Domain => (
                !matches!(rights::over_domain(&name), Rights::Other),
                "domains",
            ),
        };
        if yields {
            rights.push(Right {
                principal: Reference {
                    sid: words.of(&principal),
                    kind: words.of(&of),
                    origin: fields.text.origin(value),
                },
                name: words.of(&name),
            });
        } else if principal != sid {
            *left_out
                .entry(format!("`{name}` rights over {over}"))
                .or_insert(0) += 1;
        }
    }
    if malformed > 0 {
        left_out.insert("malformed members and rights".to_owned(), malformed);
    }
    Some(Some(Object {
        kind,
        sid,
        from: Some(origin),
        name: string("name"),
        other_names: Vec::new(),
        domain_sid: words.of(&string("domainsid").to_uppercase()),
        distinguished_name: string("distinguishedname").to_uppercase(),
        display_name: string("displayname"),
        sam: match string("domain").split('.').next() {
            Some(domain) if !domain.is_empty() => format!("{domain}\\{}", string("samaccountname")),
            _ => String::new(),
        },
        email: string("email"),
        enabled: boolean("enabled"),
        is_service: ["gmsa", "msa", "hasspn"]
            .iter()
            .any(|key| boolean(key) == Some(true)),
        primary_groups: match fields.string("primarygroupsid").to_uppercase() {
            group if group.is_empty() => Vec::new(),
            group => vec![words.of(&group)],
        },
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
    for group in other.primary_groups {
        if !known.primary_groups.contains(&group) {
            known.primary_groups.push(group);
        }
    }
}

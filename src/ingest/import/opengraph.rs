//! BloodHound's OpenGraph: generic nodes and edges. What an edge kind gives is a dated data file that
//! the user can add to; kinds that it does not name are counted and named.
//!
//! Edges may name nodes that the payload does not hold. Groups and roles are groups; users,
//! applications, computers and what says nothing of itself are identities. The AND of several
//! conditions is never in such a file: whoever wrote it has flattened it into edges.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde::Deserialize;

use super::keys::{Joined, Key};
use super::record::Record;
use super::table::{From, Maker, own_id};
use super::{Document, ExportFile, Form, Head, Importer};
use crate::diag::{Code, Diagnostic};
use crate::model::Table;

const SOURCE: &str = "opengraph";
/// The accounts of all graphs, by which what is not known of them is named.
const ACCOUNTS: &str = "group:all accounts @ opengraph";
const BUILT_IN: &str = include_str!("../../../data/opengraph/edges.toml");

/// The importer.
pub struct OpenGraph;

impl Importer for OpenGraph {
    fn name(&self) -> &'static str {
        SOURCE
    }

    fn about(&self) -> &'static str {
        "BloodHound OpenGraph"
    }

    fn documents(&self) -> &'static [Document] {
        &[Document {
            name: "graph",
            obtain: "the JSON that an OpenGraph collector writes for upload to BloodHound",
            yields: "accounts, groups, and recoveries for the edge kinds in data/opengraph/edges.toml",
        }]
    }

    fn data(&self) -> &'static [(&'static str, &'static str)] {
        &[("data/opengraph/edges.toml", BUILT_IN)]
    }

    fn claims(&self, head: &Head<'_, '_>) -> Option<&'static str> {
        let graph = head
            .top()
            .filter(|_| head.form() == Form::Json)?
            .record("graph")?;
        (graph.has("nodes") && graph.has("edges")).then_some("graph")
    }

    fn import(&self, files: &[ExportFile<'_>], maker: &mut Maker<'_>) {
        let effects = Effects::load(maker);
        let shapes: Vec<_> = files.iter().map(|file| file.read(self, maker)).collect();
        let graphs: Vec<_> = shapes
            .iter()
            .filter_map(|shape| shape.top.as_ref()?.record("graph"))
            .collect();
        let mut nodes = Nodes::default();
        for graph in &graphs {
            for node in graph.records("nodes") {
                nodes.add(&node);
            }
        }
        nodes.name();
        for node in nodes.by_id.values() {
            nodes.declare(node, maker);
        }
        for graph in &graphs {
            for edge in graph.records("edges") {
                one(&edge, &effects, &nodes, maker);
            }
        }
        let Some(file) = files.first() else {
            return;
        };
        let from = From {
            origin: file.origin(),
            object: "",
        };
        let detail = "a graph holds no second factors: sign-in is taken as password";
        maker.coverage(from, [SOURCE, ACCOUNTS, "mfa", "unknown", detail]);
        let detail = "a graph holds no self-service reset";
        maker.coverage(from, [SOURCE, "", "self_service_reset", "unknown", detail]);
    }
}

#[derive(Default, Deserialize)]
struct Kinds {
    #[serde(default)]
    kinds: Vec<String>,
}

/// What an edge gives, by kind in lower case.
struct Effects(BTreeMap<String, &'static str>);

impl Effects {
    fn load(maker: &mut Maker<'_>) -> Self {
        let mut effects = Self(BTreeMap::new());
        effects.add("the built-in edge kinds", BUILT_IN, maker);
        if let Some(path) = maker.settings.get("opengraph.edges").map(str::to_owned) {
            match std::fs::read_to_string(&path) {
                Ok(text) => effects.add(&path, &text, maker),
                Err(error) => {
                    let message = format!("{path} cannot be read: {error}");
                    maker.say(Diagnostic::new(Code::UnreadableFile, message));
                }
            }
        }
        effects
    }

    fn add(&mut self, name: &str, text: &str, maker: &mut Maker<'_>) {
        const WORDS: [&str; 7] = [
            "password",
            "mfa",
            "account",
            "member",
            "membership",
            "control",
            "none",
        ];
        let parsed: Result<BTreeMap<String, toml::Value>, _> = toml::from_str(text);
        let parsed = match parsed {
            Ok(parsed) => parsed,
            Err(error) => {
                let message = format!("{name} is not well-formed: {error}");
                maker.say(Diagnostic::new(Code::UnreadableFile, message));
                return;
            }
        };
        for (word, value) in parsed {
            if word == "date" {
                continue;
            }
            let known = WORDS.into_iter().find(|known| *known == word);
            let kinds = value.try_into::<Kinds>();
            let (Some(effect), Ok(kinds)) = (known, kinds) else {
                let message = format!(
                    "{name} says `{word}`, which is none of {}",
                    WORDS.join(", ")
                );
                maker.say(
                    Diagnostic::new(Code::UnreadableFile, message)
                        .help("expected [password] and below it kinds = [\"...\"]"),
                );
                continue;
            };
            for kind in kinds.kinds {
                self.0.insert(kind.to_lowercase(), effect);
            }
        }
    }
}

struct Node<'a> {
    record: Record<'a>,
    properties: Option<Record<'a>>,
    id: String,
    kinds: Vec<String>,
    /// A reference, made when all nodes are known.
    name: String,
}

#[derive(Default)]
struct Nodes<'a> {
    /// By id in lower case.
    by_id: BTreeMap<String, Node<'a>>,
    /// Keys of nodes by a property and its value, made when an edge asks for the property.
    by_property: RefCell<BTreeMap<String, ByValue>>,
}

/// Keys of nodes by the value of a property, in lower case.
type ByValue = BTreeMap<String, Vec<String>>;

impl<'a> Nodes<'a> {
    fn add(&mut self, record: &Record<'a>) {
        let id = record.text("id");
        let node = Node {
            record: record.clone(),
            properties: record.record("properties"),
            kinds: record.list("kinds"),
            id: id.clone(),
            name: String::new(),
        };
        // The fuller of two descriptions stands.
        let known = self.by_id.get(&id.to_lowercase());
        if known.is_none_or(|known| known.properties.is_none()) {
            self.by_id.insert(id.to_lowercase(), node);
        }
    }

    /// Logins of accounts; names of groups where no two have the same.
    fn name(&mut self) {
        let mut count: BTreeMap<String, usize> = BTreeMap::new();
        let wanted: Vec<(String, String)> = self
            .by_id
            .iter()
            .map(|(key, node)| {
                let text = |names: &[&str]| {
                    let properties = node.properties.as_ref();
                    properties
                        .map(|properties| properties.any(names))
                        .unwrap_or_default()
                };
                let prefix = prefix(&node.kinds);
                let name = match prefix {
                    "group:" => text(&["name", "displayname"]),
                    _ => text(&["userprincipalname", "login", "email", "name"]),
                };
                let name = if name.is_empty() {
                    node.id.clone()
                } else {
                    name.replace(';', ",")
                };
                *count
                    .entry(format!("{prefix}{name}").to_lowercase())
                    .or_default() += 1;
                (key.clone(), format!("{prefix}{name}"))
            })
            .collect();
        for (key, name) in wanted {
            let unique = count.get(&name.to_lowercase()) == Some(&1);
            if let Some(node) = self.by_id.get_mut(&key) {
                node.name = if unique {
                    name
                } else {
                    format!("{name} ({})", node.id)
                };
            }
        }
    }

    fn declare(&self, node: &Node<'_>, maker: &mut Maker<'_>) {
        let Some(id) = node.name.strip_prefix("identity:") else {
            return;
        };
        let is_account = ["user", "serviceprincipal", "application", "computer"];
        let kinds = node.kinds.iter().map(|kind| kind.to_lowercase());
        let Some(kind) = kinds
            .flat_map(|kind| is_account.into_iter().find(|word| kind.ends_with(word)))
            .next()
        else {
            maker.leave_out(format!(
                "{} nodes",
                node.kinds.first().map_or("other", String::as_str)
            ));
            return;
        };
        let text = |name: &str| {
            let properties = node.properties.as_ref();
            properties
                .map(|properties| properties.text(name))
                .unwrap_or_default()
        };
        let enabled = node
            .properties
            .as_ref()
            .and_then(|properties| properties.flag("enabled"));
        let alias = if node.id.eq_ignore_ascii_case(id) {
            ""
        } else {
            &node.id
        };
        let from = From {
            origin: node.record.origin,
            object: &node.id,
        };
        maker.member(from, &node.name, ACCOUNTS);
        maker.keys.declare(id, SOURCE);
        maker.keys.add(Key::ObjectId, &node.id, id);
        maker.row(
            Table::Identities,
            from,
            &[
                ("id", &own_id(id)),
                ("kind", if kind == "user" { "" } else { "service" }),
                ("name", &text("displayname")),
                ("enabled", if enabled == Some(false) { "false" } else { "" }),
                ("aliases", alias),
            ],
        );
    }

    /// The end of an edge: by id, by name, or by properties that one node alone has.
    fn end(&self, end: &Record<'_>, maker: &Maker<'_>) -> Result<String, &'static str> {
        let value = end.text("value");
        let kind = end.text("kind");
        match end.text("match_by").to_lowercase().as_str() {
            "" | "id" => match self.by_id.get(&value.to_lowercase()) {
                Some(node) => Ok(node.name.clone()),
                None if value.is_empty() => Err("edges without an end"),
                // A node of another export: edges-only payloads name objects of a directory.
                None => Ok(elsewhere(&value, maker)
                    .unwrap_or_else(|| format!("{}{value}", prefix(&[kind])))),
            },
            "name" => self.the_one("name", &value, |node| is_of(node, &kind)),
            _ => {
                let matchers = end.records("property_matchers");
                let Some(first) = matchers.first() else {
                    return Err("edges without an end");
                };
                self.the_one(&first.text("key"), &first.text("value"), |node| {
                    is_of(node, &kind)
                        && matchers.iter().all(|matcher| {
                            let has = node.properties.as_ref();
                            has.is_some_and(|has| {
                                has.text(&matcher.text("key")) == matcher.text("value")
                            })
                        })
                })
            }
        }
    }

    fn the_one(
        &self,
        property: &str,
        value: &str,
        is: impl Fn(&Node<'_>) -> bool,
    ) -> Result<String, &'static str> {
        let mut indices = self.by_property.borrow_mut();
        let index = indices.entry(property.to_owned()).or_insert_with(|| {
            let mut index = ByValue::new();
            for (key, node) in &self.by_id {
                let own = node.properties.as_ref().map(|own| own.text(property));
                let keys = index.entry(own.unwrap_or_default().to_lowercase());
                keys.or_default().push(key.clone());
            }
            index
        });
        let keys = index
            .get(&value.to_lowercase())
            .map_or(&[][..], Vec::as_slice);
        let mut found = keys
            .iter()
            .filter_map(|key| self.by_id.get(key))
            .filter(|node| is(node));
        match (found.next(), found.next()) {
            (Some(node), None) => Ok(node.name.clone()),
            (None, _) => Err("edges whose end is not in the graph"),
            _ => Err("edges whose end may be several nodes"),
        }
    }
}

/// The account or group that another export knows by this id.
fn elsewhere(id: &str, maker: &Maker<'_>) -> Option<String> {
    let keys = [(Key::ObjectId, id), (Key::Sid, id)];
    match maker.keys.find(&keys) {
        Joined::One(account) => Some(format!("identity:{account}")),
        _ => maker.keys.find_group(&keys),
    }
}

fn is_of(node: &Node<'_>, kind: &str) -> bool {
    kind.is_empty() || node.kinds.iter().any(|own| own.eq_ignore_ascii_case(kind))
}

/// What a node of these kinds is in the tables.
fn prefix(kinds: &[String]) -> &'static str {
    let is = |words: &[&str]| {
        let mut lower = kinds.iter().map(|kind| kind.to_lowercase());
        lower.any(|kind| words.iter().any(|word| kind.ends_with(word)))
    };
    if is(&["group", "role"]) {
        "group:"
    } else if is(&["domain", "tenant", "organization"]) {
        "system:"
    } else {
        "identity:"
    }
}

fn one(edge: &Record<'_>, effects: &Effects, nodes: &Nodes<'_>, maker: &mut Maker<'_>) {
    let kind = edge.text("kind");
    let effect = effects.0.get(&kind.to_lowercase()).copied();
    let effect = match effect {
        Some("none") | None => return maker.leave_out(format!("`{kind}` edges")),
        Some(effect) => effect,
    };
    let ends = ["start", "end"].map(|end| {
        let end = edge.record(end).ok_or("edges without an end");
        end.and_then(|end| nodes.end(&end, maker))
    });
    let [Ok(start), Ok(end)] = &ends else {
        let why = ends.iter().find_map(|end| end.as_ref().err());
        return maker.leave_out(*why.unwrap_or(&"edges without an end"));
    };
    if start == end {
        return maker.leave_out("edges of a node to itself");
    }
    let object = format!("{kind}: {start} to {end}");
    let from = From {
        origin: edge.origin,
        object: &object,
    };
    let recovery = |restores: &str, maker: &mut Maker<'_>| {
        let process = format!("{SOURCE}/{kind}");
        maker.process(from, &process, &format!("OpenGraph edge {kind}"));
        maker.admin_reset(from, [start, end], restores, &process);
    };
    let is_group = end.starts_with("group:");
    let is_system = end.starts_with("system:");
    match effect {
        "member" if is_group => {
            maker.member(from, start, end);
        }
        "membership" if is_group => recovery("membership", maker),
        // Control of a group is control of who is in it.
        "account" if is_group => recovery("membership", maker),
        "account" | "control" | "membership" if is_system => {
            maker.row(
                Table::Systems,
                from,
                &[
                    ("id", end),
                    ("name", super::entra::short(end)),
                    ("criticality", "0"),
                ],
            );
            maker.row(
                Table::Grants,
                from,
                &[("principal", start), ("system", end), ("role", &kind)],
            );
        }
        "password" | "mfa" | "account" if end.starts_with("identity:") => recovery(effect, maker),
        _ => maker.leave_out(format!("`{kind}` edges to what they are not for")),
    }
}

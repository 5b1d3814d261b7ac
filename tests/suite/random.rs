//! Random small organisations, valid by repair: rows are picked independently, so that shrinking
//! takes rows away, and then made to agree.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::naive::{Options, Row, Tables};

const IDENTITIES: &[&str] = &["ana", "bo", "cy", "di", "ed", "Zo\u{eb}"];
/// References to identities where a bare name is one, in every spelling; some are declared nowhere.
const IDENTITY: &[&str] = &[
    "ana",
    "ANA",
    "identity:ana",
    "x-ana",
    "bo",
    "Identity:BO",
    "x-bo",
    "cy",
    "di",
    "X-Di",
    "ed",
    "identity:ed",
    "zoe\u{308}",
    "ghost",
    "Ghost",
    "fay",
];
const GROUP: &[&str] = &[
    "group:desk",
    "GROUP:Desk",
    "group:admins",
    "group:staff",
    "group:it",
    "group:empty",
];
const BARE_GROUP: &[&str] = &["desk", "Desk", "admins", "staff", "it", "group:staff"];
const PHONE: &[&str] = &[
    "phone:+1 555 0100",
    "phone:001-555-0100",
    "Phone:+1(555)0101",
    "phone:+1.555.0102",
];
const BARE_PHONE: &[&str] = &[
    "+15550100",
    "+1 (555) 0101",
    "00 1 555 0102",
    "phone:+1\u{2011}555\u{2212}0100",
];
const DEVICE: &[&str] = &["device:key", "device:KEY", "device:app"];
const VAULT: &[&str] = &["vault:team", "VAULT:ops"];
const MAILBOX: &[&str] = &[
    "mailbox:team@m",
    "mailbox:home@p",
    "mailbox:Lost@P",
    "mailbox:ana@m",
];
const BARE_MAILBOX: &[&str] = &["team@m", "HOME@p", "ana@m", "lost@p"];
const SYSTEM: &[&str] = &["system:idp", "system:hr", "system:new", "System:IDP"];
const PROCESS: &[&str] = &["", "desk", "Desk", "portal", "unknown"];

fn one(list: &'static [&'static str]) -> impl Strategy<Value = String> {
    select(list).prop_map(str::to_owned)
}

/// Empty half of the time.
fn maybe(list: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), one(list)]
}

fn some_of(list: &'static [&'static str]) -> impl Strategy<Value = String> {
    vec(select(list), 0..3).prop_map(|names| names.join(";"))
}

/// A reference of any kind, identities with their prefix.
fn any_asset() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => one(IDENTITY).prop_map(prefixed),
        2 => one(GROUP),
        1 => one(PHONE),
        1 => one(DEVICE),
        1 => one(VAULT),
        1 => one(MAILBOX),
        1 => one(SYSTEM),
    ]
}

fn prefixed(identity: String) -> String {
    if identity.contains(':') {
        identity
    } else {
        format!("identity:{identity}")
    }
}

fn person_or_group() -> impl Strategy<Value = String> {
    prop_oneof![3 => one(IDENTITY), 1 => one(GROUP)]
}

fn rows<S: Strategy<Value = Row>>(row: S, most: usize) -> impl Strategy<Value = Vec<Row>> {
    vec(row, 0..=most)
}

fn identities() -> impl Strategy<Value = Vec<Row>> {
    let row = (
        (
            one(IDENTITIES),
            select(&["", "human", "admin", "service", "break_glass", "Help_Desk"][..]),
        ),
        select(&["", "", "", "true", "YES", "1", "no", "0"][..]),
        select(
            &[
                "",
                "",
                "password",
                "password",
                "password+mfa",
                "passwordless",
            ][..],
        ),
        (
            maybe(IDENTITY),
            select(&["", "0", "2", "3"][..]),
            any::<bool>(),
        ),
        (some_of(BARE_MAILBOX), some_of(BARE_PHONE)),
    );
    let row = row.prop_map(
        |((id, kind), enabled, sign_in, (owner, tier, alias), (mailboxes, phones))| {
            let aliases = if alias {
                format!("x-{id}")
            } else {
                String::new()
            };
            vec![
                ("id", id),
                ("kind", kind.to_owned()),
                ("enabled", enabled.to_owned()),
                ("sign_in", sign_in.to_owned()),
                ("owner", owner),
                ("tier", tier.to_owned()),
                ("aliases", aliases),
                ("recovery_mailbox", mailboxes),
                ("recovery_phone", phones),
            ]
        },
    );
    vec(row, 1..=6)
}

fn recovery() -> impl Strategy<Value = Row> {
    const METHODS: &[&str] = &[
        "email_link",
        "sms_code",
        "voice_call",
        "authenticator",
        "security_questions",
        "stored_secret",
        "help_desk",
        "admin_reset",
        "Manager_Approval",
        "ownership",
        "carrier",
    ];
    let source = prop_oneof![
        5 => any_asset(),
        1 => Just(String::new()),
        2 => select(&["own:mailbox", "own:phone", "Own:Device", "own:owner"][..]).prop_map(str::to_owned),
    ];
    let target = prop_oneof![
        4 => one(IDENTITY).prop_map(prefixed),
        3 => one(GROUP),
        1 => Just("*".to_owned()),
        2 => any_asset(),
    ];
    let except = prop_oneof![2 => Just(String::new()), 1 => vec(person_or_group(), 1..3).prop_map(|names| names.join(";"))];
    let restores = select(
        &[
            "",
            "",
            "password",
            "mfa",
            "account",
            "account",
            "membership",
        ][..],
    );
    let gate = select(&["", "", "g", "G", "h", "k"][..]);
    (
        source,
        target,
        one(METHODS),
        restores,
        except,
        gate,
        select(&["", "1", "2", "2", "3"][..]),
        one(PROCESS),
    )
        .prop_map(
            |(source, target, method, restores, except, gate, need, process)| {
                vec![
                    ("source", source),
                    ("target", target),
                    ("method", method),
                    ("restores", restores.to_owned()),
                    ("except", except),
                    ("gate", gate.to_owned()),
                    ("need", need.to_owned()),
                    ("process", process),
                ]
            },
        )
}

fn row_of<const N: usize>(columns: [&'static str; N], cells: [String; N]) -> Row {
    columns.into_iter().zip(cells).collect()
}

/// Organisations in which several people together reset somebody: what [`organisations`] makes, and
/// accounts whose recoveries ask for two or three of other accounts and phones.
pub fn quorums() -> impl Strategy<Value = (Tables, Options)> {
    const ACCOUNTS: &[&str] = &["q0", "q1", "q2", "q3", "q4", "q5"];
    const SOURCES: &[&str] = &[
        "identity:q0",
        "identity:q1",
        "identity:q2",
        "identity:q3",
        "identity:q4",
        "phone:+1 555 0100",
        "identity:ana",
        "identity:bo",
    ];
    let gate = (
        proptest::sample::subsequence(SOURCES, 2..=4),
        select(ACCOUNTS),
        2..=3usize,
        any::<bool>(),
    );
    let grants = vec((select(ACCOUNTS), select(&["idp", "hr"][..])), 1..4);
    (organisations(), vec(gate, 1..6), grants).prop_map(|((mut tables, options), gates, grants)| {
        let mut add = |table: &'static str, cells: Vec<Vec<(&'static str, &str)>>| {
            let rows = tables.0.entry(table).or_default();
            let columns: Vec<&'static str> = match rows.first() {
                Some(row) => row.iter().map(|(column, _)| *column).collect(),
                None => cells
                    .first()
                    .into_iter()
                    .flatten()
                    .map(|(column, _)| *column)
                    .collect(),
            };
            rows.extend(cells.into_iter().map(|cells| {
                let cell = |column: &&'static str| {
                    let found = cells.iter().find(|(name, _)| name == column);
                    (
                        *column,
                        found.map_or_else(String::new, |(_, cell)| (*cell).to_owned()),
                    )
                };
                columns.iter().map(cell).collect()
            }));
        };
        add(
            "identities",
            ACCOUNTS
                .iter()
                .map(|id| vec![("id", *id), ("sign_in", "password")])
                .collect(),
        );
        for (at, (sources, target, need, is_account)) in gates.iter().enumerate() {
            let name = format!("quorum-{at}");
            let need = (*need).min(sources.len()).to_string();
            let restores = if *is_account { "account" } else { "password" };
            let rows = sources.iter().map(|source| {
                vec![
                    ("source", *source),
                    ("target", *target),
                    ("method", "manager_approval"),
                    ("restores", restores),
                    ("gate", &*name),
                    ("need", &*need),
                ]
            });
            add("recoveries", rows.collect());
        }
        let rows = grants
            .iter()
            .map(|(principal, system)| vec![("principal", *principal), ("system", *system)]);
        add("grants", rows.collect());
        (tables, options)
    })
}

/// Organisations with what is assumed of them.
pub fn organisations() -> impl Strategy<Value = (Tables, Options)> {
    let access = || select(&["", "standing", "Eligible"][..]).prop_map(str::to_owned);
    let mailboxes = (
        one(BARE_MAILBOX),
        prop_oneof![Just(String::new()), person_or_group()],
        select(&["", "shared", "personal"][..]).prop_map(str::to_owned),
        vec(person_or_group(), 0..2).prop_map(|names| names.join(";")),
        some_of(BARE_MAILBOX),
    )
        .prop_map(|(id, owner, kind, delegates, forwards)| {
            row_of(
                ["id", "owner", "kind", "delegates", "forwards_to"],
                [id, owner, kind, delegates, forwards],
            )
        });
    let bindings = (
        one(IDENTITY),
        select(&["sms", "push", "TOTP", "email_otp", "fido2"][..]),
        0..6usize,
    )
        .prop_map(|(identity, factor, holder)| {
            let own: &[&str] = match factor {
                "sms" => BARE_PHONE,
                "email_otp" => BARE_MAILBOX,
                _ => &["key", "App", "device:app"],
            };
            let holder = match holder {
                0 => "",
                1 => "vault:team",
                2 => "identity:bo",
                other => own[other % own.len()],
            };
            row_of(
                ["identity", "factor", "holder"],
                [identity, factor.to_owned(), holder.to_owned()],
            )
        });
    let asset = prop_oneof![
        one(&["team", "vault:ops"]),
        one(PHONE),
        one(DEVICE),
        one(MAILBOX)
    ];
    let holdings = (any_asset(), asset)
        .prop_map(|(holder, asset)| row_of(["holder", "asset"], [holder, asset]));
    let memberships =
        (person_or_group(), one(BARE_GROUP), access()).prop_map(|(member, group, access)| {
            row_of(["member", "group", "access"], [member, group, access])
        });
    let systems = (one(&["idp", "hr", "crm"]), select(&["", "0", "1", "2"][..]))
        .prop_map(|(id, criticality)| row_of(["id", "criticality"], [id, criticality.to_owned()]));
    let principal = prop_oneof![4 => person_or_group(), 1 => one(SYSTEM)];
    let grants = (principal, one(&["idp", "hr", "crm", "new"]), access()).prop_map(
        |(principal, system, access)| {
            row_of(
                ["principal", "system", "access"],
                [principal, system, access],
            )
        },
    );
    let processes = (
        one(&["desk", "portal"]),
        select(&["", "none", "knowledge", "possession", "ial2"][..]),
    )
        .prop_map(|(id, proofing)| row_of(["id", "proofing"], [id, proofing.to_owned()]));
    let signals = one(IDENTITY)
        .prop_map(|identity| row_of(["identity", "signal"], [identity, "phishing".to_owned()]));
    let assume = select(
        &[
            "sim-swap",
            "phished-passwords",
            "mailbox-breach",
            "public-answers",
            "weak-proofing",
            "weak-proofing:none",
            "weak-proofing:ial1",
            "phone:+15550100",
            "identity:ana",
            "identity:BO",
            "device:key",
            "mailbox:home@p",
            "group:desk",
            "vault:team",
            "system:hr",
        ][..],
    );
    let options = (vec(assume, 0..3), any::<bool>(), any::<bool>()).prop_map(
        |(assume, some, standing_only)| Options {
            assume: if some {
                assume.into_iter().map(str::to_owned).collect()
            } else {
                Vec::new()
            },
            standing_only,
        },
    );
    (
        (
            identities(),
            rows(mailboxes, 4),
            rows(bindings, 5),
            rows(holdings, 5),
        ),
        (
            rows(recovery(), 9),
            rows(memberships, 8),
            rows(systems, 3),
            rows(grants, 5),
        ),
        (rows(processes, 2), rows(signals, 2), options),
    )
        .prop_map(
            |(
                (identities, mailboxes, bindings, holdings),
                (recoveries, memberships, systems, grants),
                rest,
            )| {
                let (processes, signals, mut options) = rest;
                let mut tables = Tables::default();
                tables.0.insert("identities", distinct(identities));
                tables.0.insert("mailboxes", distinct(mailboxes));
                tables.0.insert("mfa_bindings", bindings);
                tables.0.insert("holdings", holdings);
                tables.0.insert("recoveries", repaired(recoveries));
                tables.0.insert("memberships", memberships);
                tables.0.insert("systems", distinct(systems));
                tables.0.insert("grants", grants);
                tables.0.insert("processes", distinct(processes));
                tables.0.insert("signals", signals);
                let known = crate::naive::names(&tables);
                options.assume.retain(|assumption| {
                    let (kind, name) = crate::naive::split(assumption, "");
                    kind.is_empty() || known.contains(&crate::naive::key(kind, name))
                });
                (tables, options)
            },
        )
}

fn get(row: &Row, column: &str) -> String {
    row.iter()
        .find(|(name, _)| *name == column)
        .map(|(_, cell)| cell.clone())
        .unwrap_or_default()
}

fn set(row: &mut Row, column: &str, value: String) {
    if let Some((_, cell)) = row.iter_mut().find(|(name, _)| *name == column) {
        *cell = value;
    }
}

/// The first row of every id.
fn distinct(rows: Vec<Row>) -> Vec<Row> {
    let mut seen = BTreeSet::new();
    rows.into_iter()
        .filter(|row| seen.insert(crate::naive::fold(&get(row, "id"))))
        .collect()
}

/// Makes rows of a gate agree and every row go together with its target.
fn repaired(mut rows: Vec<Row>) -> Vec<Row> {
    for at in 0..rows.len() {
        let gate = get(&rows[at], "gate").to_lowercase();
        let first = (0..at)
            .find(|&first| !gate.is_empty() && get(&rows[first], "gate").to_lowercase() == gate);
        if let Some(first) = first {
            for column in ["target", "restores", "except", "process", "need"] {
                let value = get(&rows[first], column);
                set(&mut rows[at], column, value);
            }
        }
        let row = &mut rows[at];
        let target = get(row, "target");
        let kind = crate::naive::split(&target, "*").0.to_owned();
        let is_account = matches!(kind.as_str(), "*" | "identity" | "group");
        if !is_account || (kind != "group" && get(row, "restores") == "membership") {
            set(row, "restores", String::new());
        }
        let membership = get(row, "restores") == "membership";
        if !matches!(kind.as_str(), "*" | "group") || membership {
            set(row, "except", String::new());
        }
        let source = get(row, "source").to_lowercase();
        let method = get(row, "method").to_lowercase();
        let may_be_nobody = [
            "security_questions",
            "help_desk",
            "carrier",
            "manager_approval",
        ]
        .contains(&method.as_str());
        let is_bad_own = source.starts_with("own:") && (!is_account || membership);
        if is_bad_own || (source.is_empty() && !may_be_nobody) {
            set(row, "source", "identity:ana".to_owned());
        }
        if gate.is_empty() {
            set(row, "need", String::new());
        }
    }
    // At most as many as the gate has distinct rows; spellings that an alias joins are avoided.
    for row in &mut rows {
        if get(row, "gate").is_empty() {
            continue;
        }
        let source = get(row, "source")
            .to_lowercase()
            .replace("identity:x-", "identity:");
        set(row, "source", source);
    }
    for at in 0..rows.len() {
        let gate = get(&rows[at], "gate").to_lowercase();
        let mates: BTreeSet<(String, String)> = rows
            .iter()
            .filter(|row| get(row, "gate").to_lowercase() == gate)
            .map(|row| {
                let source = get(row, "source");
                let (kind, name) = crate::naive::split(&source, "");
                (
                    crate::naive::key(kind, name),
                    get(row, "method").to_lowercase(),
                )
            })
            .collect();
        if let Ok(need) = get(&rows[at], "need").parse::<usize>() {
            set(&mut rows[at], "need", need.min(mates.len()).to_string());
        }
    }
    rows
}

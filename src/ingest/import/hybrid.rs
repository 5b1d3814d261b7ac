//! Accounts that a cloud directory copies from Active Directory: two accounts with one password, in
//! one direction always, in the other when passwords are written back.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::keys::{Joined, Key, OwnReset, Synchronised};
use super::table::{From, Maker, own_id};
use crate::diag::{Code, Diagnostic};
use crate::model::Table;

const SYNC: &str = "hybrid/password-sync";
const UNKNOWN_SYNC: &str = "hybrid/unknown-sync";
const WRITE_BACK: &str = "hybrid/password-writeback";

/// Joins what the importers have left to be joined.
pub(super) fn join(maker: &mut Maker<'_>) {
    let synchronised = std::mem::take(&mut maker.keys.synchronised);
    let writes_back = maker.settings.flag("hybrid.writeback");
    let mut missing = 0;
    let mut joined = 0;
    let mut guessed = 0;
    let mut classes: BTreeMap<BTreeSet<Rc<str>>, Vec<(Synchronised, String)>> = BTreeMap::new();
    for account in synchronised.values() {
        let keys: Vec<_> = account
            .keys
            .iter()
            .map(|(key, value)| (*key, &**value))
            .collect();
        let local = match maker.keys.find_local(&keys) {
            Joined::One(local) if contradicts(account, &local, maker) => continue,
            Joined::One(local) => local,
            Joined::Nothing => {
                missing += usize::from(account.is_known);
                continue;
            }
            Joined::Several(several) => {
                let message = format!(
                    "`{}` may be any of {}: it is joined with none",
                    account.identity,
                    several.join(", ")
                );
                maker.say(
                    Diagnostic::new(Code::AmbiguousJoin, message)
                        .at(account.origin, "synchronised from Active Directory")
                        .help("select onPremisesSecurityIdentifier in the export of users"),
                );
                continue;
            }
        };
        joined += 1;
        let from = from(account);
        let sync = if account.is_known { SYNC } else { UNKNOWN_SYNC };
        guessed += usize::from(!account.is_known);
        maker.process(
            from,
            sync,
            "Hybrid: the password of Active Directory is that of the cloud",
        );
        maker.row(
            Table::Recoveries,
            from,
            &[
                ("source", &format!("identity:{local}")),
                ("target", &format!("identity:{}", account.identity)),
                ("method", "ownership"),
                ("process", sync),
            ],
        );
        if writes_back == Some(false) {
            continue;
        }
        let own = maker.keys.own_resets.remove(&account.identity);
        write_back(maker, account, &local, own);
        let by = maker
            .keys
            .resetters
            .remove(&account.identity)
            .unwrap_or_default();
        if !by.is_empty() {
            classes
                .entry(by)
                .or_default()
                .push((account.clone(), local));
        }
    }
    for (by, accounts) in classes {
        let names: Vec<_> = by
            .iter()
            .map(|group| group.trim_start_matches("group:"))
            .collect();
        let class = format!(
            "group:on-premises accounts of those whom {} reset",
            names.join(", ")
        );
        for (account, local) in &accounts {
            let member = format!("identity:{local}");
            maker.member(from(account), &member, &class);
        }
        let Some((first, _)) = accounts.first() else {
            continue;
        };
        for source in &by {
            maker.admin_reset(from(first), [source, &class], "", WRITE_BACK);
        }
    }
    if let Some(first) = synchronised.values().next() {
        coverage(maker, from(first), joined, missing, writes_back);
        if guessed > 0 {
            let scope = format!("process:{UNKNOWN_SYNC}");
            let detail = format!(
                "whether accounts are synchronised is not in the export: {guessed} are taken to be that have an account of the same login; select onPremisesSyncEnabled and onPremisesSecurityIdentifier"
            );
            let cells = ["hybrid", &*scope, "synchronised", "unknown", &*detail];
            maker.coverage(from(first), cells);
        }
    }
}

/// Whether the account at home has another security identifier than the one in the cloud names: then
/// the same login is another account.
fn contradicts(account: &Synchronised, local: &str, maker: &mut Maker<'_>) -> bool {
    let named = account.keys.iter().find(|(key, _)| *key == Key::Sid);
    let own = maker.keys.sid_of(local);
    let (Some((_, named)), Some(own)) = (named, own) else {
        return false;
    };
    if named.eq_ignore_ascii_case(own) {
        return false;
    }
    let message = format!(
        "`{}` is synchronised from {named}, and `{local}` is another account ({own}): they are not joined",
        account.identity
    );
    maker.say(
        Diagnostic::new(Code::AmbiguousJoin, message)
            .at(
                account.origin,
                "the same login, another security identifier",
            )
            .help("the collection may be of another forest, or older than the export"),
    );
    true
}

fn from(account: &Synchronised) -> From<'_> {
    From {
        origin: account.origin,
        object: &account.object,
    }
}

/// Whoever changes the password in the cloud changes it at home.
fn write_back(maker: &mut Maker<'_>, account: &Synchronised, local: &str, own: Option<OwnReset>) {
    let from = from(account);
    let target = format!("identity:{local}");
    maker.process(
        from,
        WRITE_BACK,
        "Hybrid: passwords set in the cloud are written back",
    );
    maker.row(
        Table::Recoveries,
        from,
        &[
            ("source", &format!("identity:{}", account.identity)),
            ("target", &target),
            ("method", "ownership"),
            ("process", WRITE_BACK),
        ],
    );
    let Some(own) = own else {
        return;
    };
    let mails: Vec<_> = own
        .mails
        .iter()
        .map(|mail| format!("mailbox:{mail}"))
        .collect();
    let phones: Vec<_> = own
        .phones
        .iter()
        .map(|phone| format!("phone:{phone}"))
        .collect();
    maker.row(
        Table::Identities,
        from,
        &[
            ("id", &own_id(local)),
            ("recovery_mailbox", &mails.join(";")),
            ("recovery_phone", &phones.join(";")),
        ],
    );
    // A gate for every choice of the devices that are bound in the cloud: the account at home has
    // none of its own.
    let mut choices: Vec<Vec<(&str, &str)>> = vec![Vec::new()];
    for (sources, method) in &own.rows {
        let longer = choices.iter().flat_map(|rows| {
            sources.iter().map(|source| {
                let mut longer = rows.clone();
                longer.push((source, method));
                longer
            })
        });
        choices = longer.collect();
    }
    for (at, rows) in choices.iter().enumerate() {
        let gate = format!("{WRITE_BACK} of {local}: {at}");
        for (source, method) in rows {
            maker.row(
                Table::Recoveries,
                from,
                &[
                    ("source", source),
                    ("target", &target),
                    ("method", method),
                    ("gate", &gate),
                    ("need", &own.need.to_string()),
                    ("process", WRITE_BACK),
                ],
            );
        }
    }
}

fn coverage(
    maker: &mut Maker<'_>,
    from: From<'_>,
    joined: usize,
    missing: usize,
    writes_back: Option<bool>,
) {
    if missing > 0 {
        let detail = format!(
            "{missing} accounts are synchronised from a directory that is not among the inputs: who resets them there is not seen; add a SharpHound collection or LDIF"
        );
        maker.coverage(from, ["hybrid", "", "on_premises", "unknown", &*detail]);
    }
    if joined == 0 {
        return;
    }
    match writes_back {
        None => {
            let scope = format!("process:{WRITE_BACK}");
            let detail = "no export says whether passwords are written back: they are taken to be; `--set hybrid.writeback=on|off`";
            maker.coverage(
                from,
                ["hybrid", &*scope, "password_writeback", "unknown", detail],
            );
        }
        Some(on) => {
            let detail = if on {
                "passwords are written back"
            } else {
                "passwords are not written back"
            };
            maker.coverage(from, ["hybrid", "", "password_writeback", "known", detail]);
        }
    }
}

//! The columns of every table: one list that drives reading, writing, `templates` and messages.

use crate::model::Table;

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name in the header.
    pub name: &'static str,
    /// Whether every row must have it.
    pub required: bool,
    /// Whether it holds several names, separated by `;` in CSV.
    pub multi: bool,
    /// What it holds, for people.
    pub about: &'static str,
}

const fn required(name: &'static str, about: &'static str) -> Column {
    Column {
        name,
        required: true,
        multi: false,
        about,
    }
}

const fn optional(name: &'static str, about: &'static str) -> Column {
    Column {
        name,
        required: false,
        multi: false,
        about,
    }
}

const fn multi(name: &'static str, about: &'static str) -> Column {
    Column {
        name,
        required: false,
        multi: true,
        about,
    }
}

/// Where an imported row comes from; every table may carry these.
pub const ORIGIN_COLUMNS: [Column; 3] = [
    optional("origin_file", "file of the export"),
    optional("origin_line", "line there"),
    optional("origin_object", "object there"),
];

/// What a row of a change set does; in a table that is read as it is, it is an error.
pub const CHANGE: &str = "change";

/// The place of [`CHANGE`] among the columns of a table: after all others.
#[must_use]
pub const fn change(table: Table) -> Col {
    Col {
        at: (columns(table).len() + ORIGIN_COLUMNS.len()) as u8,
        name: CHANGE,
    }
}

/// More columns than any table has, those of the origin included.
pub const MOST_COLUMNS: usize = 24;

/// The columns of a table, without [`ORIGIN_COLUMNS`], in the order in which templates write them.
#[must_use]
pub const fn columns(table: Table) -> &'static [Column] {
    match table {
        Table::Identities => {
            const {
                &[
                    required("id", "login or other id"),
                    optional(
                        "kind",
                        "human (default), admin, service, workload, help_desk, break_glass, external",
                    ),
                    optional("name", "display name"),
                    optional("enabled", "true (default) or false"),
                    optional("sign_in", "password, password+mfa, passwordless"),
                    optional("owner", "identity"),
                    optional("department", "text"),
                    optional("tier", "today's reset tier, 0 to 3"),
                    multi("aliases", "further names"),
                    multi("recovery_mailbox", "mailboxes"),
                    multi("recovery_phone", "phones"),
                ]
            }
        }
        Table::Mailboxes => {
            const {
                &[
                    required("id", "address"),
                    optional("owner", "identity or group"),
                    optional("kind", "user (default), shared, personal"),
                    multi("delegates", "identities or groups"),
                    multi("forwards_to", "mailboxes"),
                ]
            }
        }
        Table::MfaBindings => {
            const {
                &[
                    required("identity", "identity"),
                    required(
                        "factor",
                        "sms, voice, totp, push, fido2, passkey, smart_card, email_otp, recovery_code, temporary_pass",
                    ),
                    optional("holder", "phone, mailbox or device that answers it"),
                ]
            }
        }
        Table::Holdings => {
            const {
                &[
                    required("holder", "identity, or any kind"),
                    required("asset", "vault, or phone, device, mailbox"),
                ]
            }
        }
        Table::Recoveries => {
            const {
                &[
                    optional("source", "what the recovery starts from"),
                    required("target", "identity, group, `*` or another asset"),
                    required(
                        "method",
                        "email_link, sms_code, voice_call, authenticator, security_key, security_questions, recovery_code, recovery_contact, stored_secret, help_desk, admin_reset, manager_approval, ownership, carrier",
                    ),
                    optional("restores", "password (default), mfa, account, membership"),
                    multi("except", "identities or groups left out"),
                    optional("gate", "rows with the same gate count together"),
                    optional("need", "how many of them"),
                    optional("process", "recovery process"),
                ]
            }
        }
        Table::Memberships => {
            const {
                &[
                    required("member", "identity or group"),
                    required("group", "group"),
                    optional("access", "standing (default), eligible"),
                ]
            }
        }
        Table::Systems => {
            const {
                &[
                    required("id", "system"),
                    optional("name", "display name"),
                    optional("criticality", "0 (worst) to 2 (default)"),
                    optional("owner", "identity"),
                ]
            }
        }
        Table::Grants => {
            const {
                &[
                    required("principal", "identity, group or system"),
                    required("system", "system"),
                    optional("role", "text"),
                    optional("access", "standing (default), eligible"),
                ]
            }
        }
        Table::Processes => {
            const {
                &[
                    required("id", "process"),
                    optional("name", "display name"),
                    optional("operator", "who runs it"),
                    optional("policy_owner", "identity"),
                    optional("proofing_owner", "identity"),
                    optional("approval_owner", "identity"),
                    optional("execution_owner", "identity"),
                    optional("logging_owner", "identity"),
                    optional("review_owner", "identity"),
                    optional("proofing", "none, knowledge, possession, ial1, ial2, ial3"),
                    optional("approvals", "number of people"),
                    optional("hold_hours", "hours"),
                    optional("revokes_sessions", "true or false"),
                    optional("logged", "true or false"),
                    optional("escalation", "text"),
                ]
            }
        }
        Table::Signals => {
            const {
                &[
                    required("identity", "identity"),
                    required(
                        "signal",
                        "phishing, sim_swap, mailbox_compromise, leaked_credential, impossible_travel, reset_anomaly, other",
                    ),
                    optional("seen", "time, RFC 3339"),
                ]
            }
        }
        Table::Resets => {
            const {
                &[
                    required("id", "reset"),
                    required("time", "RFC 3339"),
                    required("identity", "identity"),
                    required("process", "process"),
                    optional("agent", "identity"),
                    multi("approvers", "identities"),
                    multi("evidence", "text"),
                    optional("proofing", "none, knowledge, possession, ial1, ial2, ial3"),
                    optional("restored", "password, mfa, account"),
                    optional("sessions_revoked", "true or false"),
                    optional("requested", "time, RFC 3339"),
                ]
            }
        }
        Table::Coverage => {
            const {
                &[
                    required("source", "the export"),
                    optional("scope", "the part of it"),
                    required("aspect", "what it is about"),
                    required("state", "known or unknown"),
                    optional("detail", "in words"),
                ]
            }
        }
    }
}

/// The place of a column among a table's columns followed by [`ORIGIN_COLUMNS`] and [`CHANGE`].
#[must_use]
pub fn find(table: Table, header: &str) -> Option<u8> {
    if header.eq_ignore_ascii_case(CHANGE) {
        return Some(change(table).at);
    }
    all(table)
        .position(|column| column.name.eq_ignore_ascii_case(header))
        .map(|at| at as u8)
}

/// A table's columns followed by [`ORIGIN_COLUMNS`].
pub fn all(table: Table) -> impl Iterator<Item = &'static Column> {
    columns(table).iter().chain(&ORIGIN_COLUMNS)
}

/// A column by its place, for readers of rows.
#[derive(Clone, Copy, Debug)]
pub struct Col {
    /// Its place in [`all`].
    pub at: u8,
    /// Its name.
    pub name: &'static str,
}

/// The column of a table that is named here: found when the program is built.
pub const fn col(table: Table, name: &'static str) -> Col {
    let columns = columns(table);
    let mut at = 0;
    loop {
        assert!(at < columns.len(), "the table has no such column");
        if is_same(columns[at].name, name) {
            return Col { at: at as u8, name };
        }
        at += 1;
    }
}

const fn is_same(one: &str, two: &str) -> bool {
    let (one, two) = (one.as_bytes(), two.as_bytes());
    if one.len() != two.len() {
        return false;
    }
    let mut at = 0;
    while at < one.len() {
        if one[at] != two[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// The first column of the tables that declare something.
pub const ID: Col = Col { at: 0, name: "id" };

/// A column of a table, by both their names, looked up when the program is built.
macro_rules! column {
    ($table:ident, $name:literal) => {
        const { $crate::ingest::schema::col($crate::model::Table::$table, $name) }
    };
}
pub(crate) use column;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_table_has_too_many_columns() {
        use crate::model::Word;
        for &(_, table) in Table::WORDS {
            assert!(all(table).count() < MOST_COLUMNS);
        }
    }

    #[test]
    fn tables_that_declare_begin_with_the_id() {
        for table in [
            Table::Identities,
            Table::Mailboxes,
            Table::Systems,
            Table::Processes,
            Table::Resets,
        ] {
            assert_eq!(columns(table)[0].name, ID.name);
        }
        assert_eq!(column!(Recoveries, "target").at, 1);
    }
}

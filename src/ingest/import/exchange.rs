//! Exchange, online or not: who reads whose mailbox. Sending as somebody is no way to read.
//!
//! A mailbox is joined by the id of its account, its address or its name; a name that two mailboxes
//! have joins nothing.

use std::collections::BTreeMap;

use super::keys::{Joined, Key};
use super::record::Record;
use super::table::{From, Maker};
use super::{Document, ExportFile, Form, Head, Importer};
use crate::diag::{Code, Diagnostic, Origin};
use crate::model::Table;

const SOURCE: &str = "exchange";

/// The importer.
pub struct Exchange;

const DOCUMENTS: &[Document] = &[
    Document {
        name: "mailboxes",
        obtain: "`Get-Mailbox -ResultSize Unlimited | Select Name,Alias,DisplayName,UserPrincipalName,PrimarySmtpAddress,ExternalDirectoryObjectId,RecipientTypeDetails,ForwardingAddress,ForwardingSmtpAddress,@{n='EmailAddresses';e={$_.EmailAddresses -join ';'}} | Export-Csv mailboxes.csv -NoTypeInformation -Encoding UTF8`",
        yields: "mailboxes, shared ones, forwards",
    },
    Document {
        name: "permissions",
        obtain: "`Get-EXOMailbox -ResultSize Unlimited | Get-EXOMailboxPermission | Select Identity,User,@{n='AccessRights';e={$_.AccessRights -join ','}},IsInherited,Deny | Export-Csv permissions.csv -NoTypeInformation -Encoding UTF8`",
        yields: "who reads whose mailbox, who can grant that",
    },
    Document {
        name: "recipientPermissions",
        obtain: "`Get-EXORecipientPermission -ResultSize Unlimited | Export-Csv`",
        yields: "nothing: sending as somebody is no way to read; it is counted",
    },
    Document {
        name: "inboxRules",
        obtain: "`Get-InboxRule -Mailbox X | Select MailboxOwnerId,Enabled,ForwardTo,RedirectTo,ForwardAsAttachmentTo | Export-Csv`",
        yields: "forwards by rules",
    },
];

impl Importer for Exchange {
    fn name(&self) -> &'static str {
        SOURCE
    }

    fn about(&self) -> &'static str {
        "Exchange mailboxes and permissions"
    }

    fn documents(&self) -> &'static [Document] {
        DOCUMENTS
    }

    fn claims(&self, head: &Head<'_, '_>) -> Option<&'static str> {
        if head.form() == Form::Ldif {
            return None;
        }
        if head.has(&["Identity", "User", "AccessRights"]) {
            return Some("permissions");
        }
        if head.has(&["Identity", "Trustee"]) || head.has(&["Name", "GrantSendOnBehalfTo"]) {
            return Some("recipientPermissions");
        }
        let forwards = ["ForwardTo", "RedirectTo", "ForwardAsAttachmentTo"];
        if head.has(&["MailboxOwnerId"]) && forwards.iter().any(|key| head.has(&[key])) {
            return Some("inboxRules");
        }
        let marks = [
            "RecipientTypeDetails",
            "ForwardingSmtpAddress",
            "ForwardingAddress",
        ];
        let is_mailbox =
            head.has(&["PrimarySmtpAddress"]) && marks.iter().any(|key| head.has(&[key]));
        is_mailbox.then_some("mailboxes")
    }

    fn import(&self, files: &[ExportFile<'_>], maker: &mut Maker<'_>) {
        let mut import = Import {
            by_name: BTreeMap::new(),
            whole: None,
            seen_mailboxes: false,
        };
        let mut files: Vec<_> = files
            .iter()
            .map(|file| (file, file.read(self, maker)))
            .collect();
        files.sort_by_key(|(file, _)| file.document != "mailboxes");
        for (file, shape) in &files {
            import.whole.get_or_insert(file.origin());
            if file.document == "mailboxes" {
                import.seen_mailboxes = true;
                for record in &shape.records {
                    import.name(record);
                }
            }
        }
        for (file, shape) in &files {
            for record in &shape.records {
                match file.document {
                    "mailboxes" => import.mailbox(record, maker),
                    "permissions" => import.permission(record, maker),
                    "inboxRules" => import.rule(record, maker),
                    _ => maker.leave_out("rights to send as somebody or on behalf"),
                }
            }
        }
        import.coverage(
            &files
                .iter()
                .map(|(file, _)| file.document)
                .collect::<Vec<_>>(),
            maker,
        );
    }
}

struct Import {
    /// Addresses by everything that names a mailbox, in lower case.
    by_name: BTreeMap<String, Vec<String>>,
    whole: Option<Origin>,
    seen_mailboxes: bool,
}

impl Import {
    fn name(&mut self, record: &Record<'_>) {
        let address = record.text("PrimarySmtpAddress");
        if address.is_empty() {
            return;
        }
        for key in [
            "PrimarySmtpAddress",
            "UserPrincipalName",
            "ExternalDirectoryObjectId",
            "Name",
            "Alias",
            "DisplayName",
            "Identity",
            "Guid",
            "ExchangeGuid",
            "DistinguishedName",
        ] {
            let name = record.text(key).to_lowercase();
            if name.is_empty() {
                continue;
            }
            let known = self.by_name.entry(name).or_default();
            if !known
                .iter()
                .any(|other| other.eq_ignore_ascii_case(&address))
            {
                known.push(address.clone());
            }
        }
    }

    /// The address of the mailbox that a text names.
    fn find(&self, text: &str, at: Origin, maker: &mut Maker<'_>) -> Option<String> {
        match self.by_name.get(&text.to_lowercase()).map(Vec::as_slice) {
            Some([one]) => return Some(one.clone()),
            Some(several) if several.len() > 1 => {
                let message = format!("`{text}` names several mailboxes: {}", several.join(", "));
                maker.say(
                    Diagnostic::new(Code::AmbiguousJoin, message)
                        .at(at, "joined with none")
                        .help("export the identity as PrimarySmtpAddress or ExternalDirectoryObjectId"),
                );
                return None;
            }
            _ => {}
        }
        if text.contains('@') && !text.contains(['/', ';', ' ']) {
            return Some(text.to_owned());
        }
        maker.leave_out("rights over mailboxes that nothing else names");
        None
    }

    fn mailbox(&self, record: &Record<'_>, maker: &mut Maker<'_>) {
        let address = record.text("PrimarySmtpAddress");
        if address.is_empty() || address.contains(';') {
            return;
        }
        let object = record.text("ExternalDirectoryObjectId");
        let from = From {
            origin: record.origin,
            object: &object,
        };
        let login = record.text("UserPrincipalName");
        let kind = record.text("RecipientTypeDetails").to_lowercase();
        let is_shared =
            kind.contains("shared") || kind.contains("room") || kind.contains("equipment");
        let owner = match maker
            .keys
            .find(&[(Key::ObjectId, &object), (Key::Login, &login)])
        {
            _ if is_shared => String::new(),
            Joined::One(id) => format!("identity:{id}"),
            _ if login.is_empty() => String::new(),
            _ => format!("identity:{login}"),
        };
        let mut forwards = Vec::new();
        let smtp = record.text("ForwardingSmtpAddress");
        if !smtp.is_empty() {
            let address = smtp
                .get(..5)
                .filter(|kind| kind.eq_ignore_ascii_case("smtp:"));
            forwards.push(format!(
                "mailbox:{}",
                address.map_or(&*smtp, |_| &smtp[5..])
            ));
        }
        let internal = record.text("ForwardingAddress");
        if !internal.is_empty()
            && let Some(to) = self.find(&internal, record.origin, maker)
        {
            forwards.push(format!("mailbox:{to}"));
        }
        let mailbox = format!("mailbox:{address}");
        maker.row(
            Table::Mailboxes,
            from,
            &[
                ("id", &mailbox),
                ("owner", &owner),
                ("kind", if is_shared { "shared" } else { "" }),
                ("forwards_to", &forwards.join(";")),
            ],
        );
        for other in record.list("EmailAddresses") {
            let smtp = other
                .get(..5)
                .is_some_and(|kind| kind.eq_ignore_ascii_case("smtp:"));
            if smtp && !other[5..].eq_ignore_ascii_case(&address) {
                let alias = format!("mailbox:{}", &other[5..]);
                let row = [("id", &*alias), ("forwards_to", &*mailbox)];
                maker.row(Table::Mailboxes, from, &row);
            }
        }
    }

    fn permission(&self, record: &Record<'_>, maker: &mut Maker<'_>) {
        let user = record.text("User");
        let upper = user.to_uppercase();
        if upper.starts_with("NT AUTHORITY\\") || upper == "S-1-5-10" {
            return maker.leave_out("rights of the mailbox's own and of the system");
        }
        if record.flag("Deny") == Some(true) {
            return maker.leave_out("rights that are denied");
        }
        let rights = record.text("AccessRights");
        let rights: Vec<&str> = rights
            .trim_matches(['{', '}'])
            .split([',', ' ', ';'])
            .filter(|right| !right.is_empty())
            .collect();
        let has = |wanted: &str| {
            rights
                .iter()
                .any(|right| right.eq_ignore_ascii_case(wanted))
        };
        let reads = has("FullAccess");
        let grants = has("ChangePermission") || has("ChangeOwner");
        if !reads && !grants {
            return maker.leave_out("rights that neither read a mailbox nor grant it");
        }
        let identity = record.text("Identity");
        let Some(mailbox) = self.find(&identity, record.origin, maker) else {
            return;
        };
        let Some(holder) = self.holder(&user, record.origin, maker) else {
            return;
        };
        let from = From {
            origin: record.origin,
            object: &identity,
        };
        let mailbox = format!("mailbox:{mailbox}");
        if reads {
            let row = [("holder", &*holder), ("asset", &*mailbox)];
            maker.row(Table::Holdings, from, &row);
            return;
        }
        let process = "exchange/permission";
        maker.process(
            from,
            process,
            "Exchange: whoever changes the permissions of a mailbox grants itself access",
        );
        maker.admin_reset(from, [&holder, &mailbox], "", process);
    }

    /// Who has a right: an account by any of its keys, or an account that nothing else names.
    fn holder(&self, user: &str, at: Origin, maker: &mut Maker<'_>) -> Option<String> {
        let keys = [
            (Key::ObjectId, user),
            (Key::Sid, user),
            (Key::Login, user),
            (Key::Address, user),
            (Key::Sam, user),
        ];
        match maker.keys.find(&keys) {
            Joined::One(id) => Some(format!("identity:{id}")),
            Joined::Several(several) => {
                let message = format!("`{user}` may be any of {}", several.join(", "));
                maker.say(
                    Diagnostic::new(Code::AmbiguousJoin, message)
                        .at(at, "joined with none")
                        .help("export the user as its user principal name"),
                );
                None
            }
            Joined::Nothing if let Some(group) = maker.keys.find_group(&keys) => Some(group),
            Joined::Nothing if user.contains('@') || user.starts_with("S-1-") => {
                Some(format!("identity:{user}"))
            }
            Joined::Nothing => {
                maker.leave_out("rights of accounts and groups that nothing else names");
                None
            }
        }
    }

    fn rule(&self, record: &Record<'_>, maker: &mut Maker<'_>) {
        if record.flag("Enabled") == Some(false) {
            return maker.leave_out("rules that are switched off");
        }
        let owner = record.text("MailboxOwnerId");
        let Some(mailbox) = self.find(&owner, record.origin, maker) else {
            return;
        };
        let from = From {
            origin: record.origin,
            object: &owner,
        };
        for key in ["ForwardTo", "RedirectTo", "ForwardAsAttachmentTo"] {
            for to in record.list(key) {
                // `"Kim Lee" [SMTP:kim@corp.example]`, or `[EX:/o=...]` for somebody inside.
                let inside = to
                    .split_once('[')
                    .and_then(|(_, rest)| rest.split_once(']'));
                let inside = inside.map_or(&*to, |(inside, _)| inside);
                let address = match inside.split_once(':') {
                    Some((kind, address)) if kind.eq_ignore_ascii_case("smtp") => {
                        address.to_owned()
                    }
                    Some((kind, _)) if kind.eq_ignore_ascii_case("ex") => {
                        let shown = to
                            .split('[')
                            .next()
                            .unwrap_or_default()
                            .trim_matches([' ', '"']);
                        match self.find(shown, record.origin, maker) {
                            Some(address) => address,
                            None => continue,
                        }
                    }
                    _ => inside.to_owned(),
                };
                // The mailbox's own row may stand in another export, so the reader is a holder.
                let row = [
                    ("holder", &*format!("mailbox:{address}")),
                    ("asset", &*format!("mailbox:{mailbox}")),
                ];
                maker.row(Table::Holdings, from, &row);
            }
        }
    }

    fn coverage(&self, documents: &[&str], maker: &mut Maker<'_>) {
        let Some(origin) = self.whole else {
            return;
        };
        let from = From { origin, object: "" };
        for (document, aspect, detail) in [
            (
                "permissions",
                "mailbox_permissions",
                "no permissions: who reads whose mailbox is not seen",
            ),
            (
                "inboxRules",
                "inbox_rules",
                "no rules of inboxes: forwards by rules are not seen",
            ),
        ] {
            if !documents.contains(&document) {
                maker.coverage(from, [SOURCE, "", aspect, "unknown", detail]);
            }
        }
        if !self.seen_mailboxes {
            let detail = "no list of mailboxes: permissions are joined by address alone, forwards are not seen";
            maker.coverage(from, [SOURCE, "", "mailboxes", "unknown", detail]);
        }
    }
}

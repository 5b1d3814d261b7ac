//! Active Directory by LDIF, csvde or `Get-ADUser | Export-Csv`: accounts, groups, memberships.
//! Rights over objects are not in such files, so who may reset whom is not seen but for the groups
//! that control a domain by design; accounts and groups are named as SharpHound names them, so that
//! both exports of a domain are one.

mod ids;

use std::collections::BTreeMap;

use super::keys::Key;
use super::record::Record;
use super::sharphound::systems::TierZero;
use super::table::{From, Maker, own_id};
use super::{Document, ExportFile, Form, Head, Importer};
use crate::diag::{Code, Diagnostic, Origin};
use crate::model::Table;
use ids::{domain_of, immutable_of, sid_of};

const SOURCE: &str = "activedirectory";

/// The importer.
pub struct ActiveDirectory;

impl Importer for ActiveDirectory {
    fn name(&self) -> &'static str {
        SOURCE
    }

    fn about(&self) -> &'static str {
        "Active Directory by LDIF, csvde or Get-ADUser"
    }

    fn documents(&self) -> &'static [Document] {
        &[
            Document {
                name: "ldif",
                obtain: "`ldifde -u -f directory.ldf -r \"(|(objectClass=user)(objectClass=group))\" -l dn,objectClass,sAMAccountName,userPrincipalName,displayName,mail,userAccountControl,objectSid,objectGUID,mS-DS-ConsistencyGuid,primaryGroupID,memberOf,member`",
                yields: "accounts, groups, memberships; not who may reset whom",
            },
            Document {
                name: "csvde",
                obtain: "`csvde -u -f directory.csv -r \"(|(objectClass=user)(objectClass=group))\" -l DN,objectClass,sAMAccountName,userPrincipalName,displayName,mail,userAccountControl,objectSid,objectGUID,primaryGroupID,memberOf,member`",
                yields: "the same",
            },
            Document {
                name: "users",
                obtain: "`Get-ADUser -Filter * -Properties mail,displayName,memberOf,objectSid,primaryGroupID | Select DistinguishedName,SamAccountName,UserPrincipalName,DisplayName,mail,Enabled,SID,ObjectGUID,primaryGroupID,@{n='memberOf';e={$_.memberOf -join ';'}} | Export-Csv users.csv -NoTypeInformation -Encoding UTF8`",
                yields: "accounts and their groups",
            },
        ]
    }

    fn data(&self) -> &'static [(&'static str, &'static str)] {
        super::sharphound::SharpHound.data()
    }

    fn claims(&self, head: &Head<'_, '_>) -> Option<&'static str> {
        match head.form() {
            Form::Ldif => (head.has(&["dn"])
                && (head.some("sAMAccountName") || head.some("objectSid")))
            .then_some("ldif"),
            Form::Csv
                if head.has(&["DN", "sAMAccountName"]) || head.has(&["DN", "objectClass"]) =>
            {
                Some("csvde")
            }
            Form::Csv if head.has(&["DistinguishedName", "SamAccountName"]) => Some("users"),
            _ => None,
        }
    }

    fn import(&self, files: &[ExportFile<'_>], maker: &mut Maker<'_>) {
        let mut directory = Directory::default();
        for file in files {
            directory.origin.get_or_insert(file.origin());
            let shape = file.read(self, maker);
            for record in &shape.records {
                directory.entry(record, maker);
            }
        }
        if let Some(origin) = directory.origin {
            directory.name(maker);
            directory.write(From { origin, object: "" }, maker);
        }
    }
}

struct Entry {
    from: Origin,
    dn: String,
    sam: String,
    login: String,
    name: String,
    mail: String,
    department: String,
    is_group: bool,
    is_service: bool,
    is_smart_card: bool,
    enabled: bool,
    sid: String,
    immutable_id: String,
    primary_group: String,
    member_of: Vec<String>,
    members: Vec<String>,
    /// A reference, made when all entries are known.
    reference: String,
}

#[derive(Default)]
struct Directory {
    origin: Option<Origin>,
    entries: Vec<Entry>,
    by_dn: BTreeMap<String, usize>,
    by_sid: BTreeMap<String, usize>,
}

impl Directory {
    fn entry(&mut self, record: &Record<'_>, maker: &mut Maker<'_>) {
        let dn = record.any(&["dn", "distinguishedName"]);
        if dn.is_empty() {
            return;
        }
        let classes: Vec<String> = record
            .list("objectClass")
            .iter()
            .map(|class| class.to_lowercase())
            .collect();
        let is = |class: &str| classes.iter().any(|own| own == class);
        if is("computer") && !is("msds-groupmanagedserviceaccount") {
            return maker.leave_out("computers");
        }
        // Without the class of an entry its attributes say what it is.
        let is_group = is("group")
            || (classes.is_empty()
                && record.text("userAccountControl").is_empty()
                && (record.has("groupType") && !record.text("groupType").is_empty()
                    || !record.list("member").is_empty()));
        let sam = record.text("sAMAccountName");
        let is_account = is("user") || is("inetorgperson");
        if !(is_group || is_account || (classes.is_empty() && !sam.is_empty())) {
            return maker.leave_out("entries that are neither accounts nor groups");
        }
        let control = record.number("userAccountControl").unwrap_or(0);
        let guid = record.any(&["mS-DS-ConsistencyGuid", "objectGUID"]);
        let mut members = record.list("member");
        for key in record.keys() {
            let lower = key.to_lowercase();
            let Some(range) = lower.strip_prefix("member;range=") else {
                continue;
            };
            members.extend(record.list(key));
            if !range.ends_with("-*") {
                let message = format!("members of `{sam}` are cut off after {range}");
                maker.say(
                    Diagnostic::new(Code::ShortExport, message)
                        .at(record.origin, "further members are missing")
                        .help("export `memberOf` of the users as well, or use Get-ADGroupMember"),
                );
            }
        }
        if !record
            .any(&["mobile", "telephoneNumber", "homePhone"])
            .is_empty()
        {
            maker.leave_out("phone numbers, which reset nothing in Active Directory");
        }
        let at = self.entries.len();
        let sid = sid_of(&record.any(&["objectSid", "SID"]));
        self.by_dn.insert(dn.to_lowercase(), at);
        if !sid.is_empty() {
            self.by_sid.insert(sid.clone(), at);
        }
        self.entries.push(Entry {
            from: record.origin,
            login: record.text("userPrincipalName"),
            name: record.any(&["displayName", "cn", "name"]),
            mail: record.text("mail"),
            department: record.text("department"),
            is_service: is("msds-groupmanagedserviceaccount")
                || !record.text("servicePrincipalName").is_empty(),
            is_smart_card: control & 0x40000 != 0,
            enabled: control & 0x2 == 0 && record.flag("enabled") != Some(false),
            immutable_id: immutable_of(&guid),
            primary_group: record.text("primaryGroupID"),
            member_of: record.list("memberOf"),
            members,
            is_group,
            sam,
            sid,
            dn,
            reference: String::new(),
        });
    }

    /// `NAME@DOMAIN`, as SharpHound writes it.
    fn name(&mut self, maker: &Maker<'_>) {
        for entry in &mut self.entries {
            let domain = domain_of(&entry.dn);
            let common = entry
                .dn
                .split_once('=')
                .and_then(|(_, rest)| rest.split(',').next());
            let short = if entry.sam.is_empty() {
                common.unwrap_or(&entry.dn)
            } else {
                &entry.sam
            };
            let plain = format!("{}@{domain}", short.to_uppercase()).replace(';', ",");
            entry.reference = if entry.is_group {
                format!("group:{plain}")
            } else {
                let is_taken = |id: &str| {
                    maker
                        .keys
                        .declared_by(id)
                        .is_some_and(|source| source != "sharphound")
                };
                let known = maker.keys.declared_by(&plain) == Some("sharphound");
                if !known && is_taken(&plain) {
                    format!("identity:{domain}\\{}", short.to_uppercase())
                } else {
                    format!("identity:{plain}")
                }
            };
        }
    }

    fn write(&self, whole: From<'_>, maker: &mut Maker<'_>) {
        let systems = TierZero::load(maker);
        let mut domains: BTreeMap<String, Origin> = BTreeMap::new();
        for entry in &self.entries {
            let from = From {
                origin: entry.from,
                object: &entry.sid,
            };
            let domain = domain_of(&entry.dn);
            domains.entry(domain.clone()).or_insert(entry.from);
            if entry.is_group {
                self.group(entry, from, &domain, &systems, maker);
            } else {
                self.account(entry, from, &domain, maker);
            }
            for (member, group) in self.links(entry, maker) {
                maker.member(from, &member, &group);
            }
        }
        for (domain, origin) in domains {
            let from = From {
                origin,
                object: &domain,
            };
            let system = format!("system:{domain}");
            let row = [
                ("id", &*system),
                ("name", &*format!("Active Directory domain {domain}")),
                ("criticality", &systems.domain_criticality.to_string()),
            ];
            maker.row(Table::Systems, from, &row);
            let scope = format!("group:all accounts of {domain}");
            let detail = "a directory holds no second factors: sign-in is taken as password";
            maker.coverage(from, [SOURCE, &*scope, "mfa", "unknown", detail]);
            maker.process(
                from,
                "ad:DomainControl",
                "Active Directory: control of the domain",
            );
            maker.admin_reset(
                from,
                [&system, &format!("group:all accounts of {domain}")],
                "account",
                "ad:DomainControl",
            );
        }
        let detail = "rights over objects are not in such an export: who may reset whom is not seen but for the groups that control a domain; add a SharpHound collection";
        maker.coverage(whole, [SOURCE, "", "rights", "unknown", detail]);
    }

    fn account(&self, entry: &Entry, from: From<'_>, domain: &str, maker: &mut Maker<'_>) {
        let reference = &*entry.reference;
        let id = reference.trim_start_matches("identity:");
        let keys = &mut *maker.keys;
        keys.declare(id, SOURCE);
        let short = domain.split('.').next().unwrap_or(domain);
        keys.add_local(Key::Sid, &entry.sid, id);
        keys.add_local(Key::ImmutableId, &entry.immutable_id, id);
        keys.add_local(Key::Login, &entry.login, id);
        keys.add_local(Key::Login, &format!("{}@{domain}", entry.sam), id);
        keys.add_local(Key::Sam, &format!("{short}\\{}", entry.sam), id);
        keys.add(Key::Address, &entry.mail, id);
        let login_is_free = keys
            .declared_by(&entry.login)
            .is_none_or(|source| source == SOURCE);
        let mut aliases: Vec<&str> = vec![&entry.sid];
        if login_is_free && !entry.login.eq_ignore_ascii_case(id) && !entry.login.contains(';') {
            aliases.push(&entry.login);
        }
        aliases.retain(|alias| !alias.is_empty());
        maker.row(
            Table::Identities,
            from,
            &[
                ("id", &own_id(id)),
                ("kind", if entry.is_service { "service" } else { "" }),
                ("name", &entry.name),
                ("enabled", if entry.enabled { "" } else { "false" }),
                ("department", &entry.department),
                (
                    "sign_in",
                    if entry.is_smart_card {
                        "passwordless"
                    } else {
                        ""
                    },
                ),
                ("aliases", &aliases.join(";")),
            ],
        );
        if entry.is_smart_card {
            let card = format!("device:smart card of {id}");
            let row = [
                ("identity", reference),
                ("factor", "smart_card"),
                ("holder", &*card),
            ];
            maker.row(Table::MfaBindings, from, &row);
        }
        if !entry.mail.is_empty() && !entry.mail.contains(';') {
            let mailbox = format!("mailbox:{}", entry.mail);
            let row = [("id", &*mailbox), ("owner", reference)];
            maker.row(Table::Mailboxes, from, &row);
        }
        maker.member(from, reference, &format!("group:all accounts of {domain}"));
    }

    fn group(
        &self,
        entry: &Entry,
        from: From<'_>,
        domain: &str,
        systems: &TierZero,
        maker: &mut Maker<'_>,
    ) {
        // SharpHound writes built-in SIDs with the domain in front.
        let sid = if entry.sid.starts_with("S-1-5-32-") {
            format!("{domain}-{}", entry.sid)
        } else {
            entry.sid.clone()
        };
        let keys = &mut *maker.keys;
        keys.add_group(Key::Sid, &entry.sid, &entry.reference);
        keys.add_group(Key::Sam, &entry.sam, &entry.reference);
        keys.add_group(Key::Address, &entry.mail, &entry.reference);
        let Some(criticality) = systems.of(&sid) else {
            return;
        };
        let name = entry.reference.trim_start_matches("group:");
        let system = format!("system:{name}");
        let row = [
            ("id", &*system),
            ("name", name),
            ("criticality", &criticality.to_string()),
        ];
        maker.row(Table::Systems, from, &row);
        let row = [
            ("principal", &*entry.reference),
            ("system", &*system),
            ("role", "member"),
        ];
        maker.row(Table::Grants, from, &row);
        let controls = ["-512", "-519", "-544"]
            .iter()
            .any(|rid| sid.ends_with(rid));
        if controls {
            let domain = format!("system:{domain}");
            let row = [
                ("principal", &*entry.reference),
                ("system", &*domain),
                ("role", "control by design"),
            ];
            maker.row(Table::Grants, from, &row);
        }
    }

    /// Who is in which group, as the entry says; what it names and no entry describes is left out.
    fn links(&self, entry: &Entry, maker: &mut Maker<'_>) -> Vec<(String, String)> {
        let by_dn = |dn: &String| {
            let at = self.by_dn.get(&dn.trim().to_lowercase());
            at.map(|&at| self.entries[at].reference.clone())
        };
        let mut links = Vec::new();
        for group in &entry.member_of {
            match by_dn(group) {
                Some(group) => links.push((entry.reference.clone(), group)),
                // The group's name is in its distinguished name.
                None => {
                    let common = group
                        .split_once('=')
                        .and_then(|(_, rest)| rest.split(',').next());
                    let name = common.unwrap_or(group).to_uppercase().replace(';', ",");
                    links.push((
                        entry.reference.clone(),
                        format!("group:{name}@{}", domain_of(group)),
                    ));
                }
            }
        }
        for member in &entry.members {
            match by_dn(member) {
                Some(member) => links.push((member, entry.reference.clone())),
                None => maker.leave_out("members that no entry describes"),
            }
        }
        if let (false, Some((domain, _))) = (entry.is_group, entry.sid.rsplit_once('-'))
            && !entry.primary_group.is_empty()
        {
            let sid = format!("{domain}-{}", entry.primary_group);
            if let Some(&at) = self.by_sid.get(&sid) {
                links.push((entry.reference.clone(), self.entries[at].reference.clone()));
            } else if entry.primary_group == "513" {
                let group = format!("group:DOMAIN USERS@{}", domain_of(&entry.dn));
                links.push((entry.reference.clone(), group));
            } else {
                maker.leave_out("primary groups that no entry describes");
            }
        }
        links
    }
}

//! A tenant as its exports describe it, whichever tool wrote them.

use std::collections::BTreeMap;

use crate::diag::Origin;

/// An account of the directory.
#[derive(Clone, Debug, Default)]
pub(in crate::ingest) struct User {
    pub from: Option<Origin>,
    pub id: String,
    pub login: String,
    pub name: String,
    pub department: String,
    pub manager: String,
    pub enabled: Option<bool>,
    /// Whether two descriptions differ in whether it is enabled.
    pub contradicts: bool,
    pub is_guest: bool,
    pub mail: String,
    pub proxies: Vec<String>,
    /// Addresses that self-service reset sends to.
    pub recovery_mail: Vec<String>,
    /// Numbers that self-service reset calls or texts.
    pub phones: Vec<String>,
    pub office_phones: Vec<String>,
    pub is_synchronised: Option<bool>,
    pub immutable_id: String,
    pub sid: String,
    pub sam: String,
    pub factors: Vec<Factor>,
    /// Whether second factors of the account are in the export, present or not.
    pub factors_known: bool,
    pub has_questions: bool,
    /// Whether the export has the fields of recovery addresses and phones, empty or not.
    pub shows_recovery: bool,
    /// What the registration report says of self-service reset.
    pub sspr_enabled: Option<bool>,
}

/// A registered method.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::ingest) struct Factor {
    /// The word of `mfa_bindings`.
    pub factor: &'static str,
    /// A reference to what answers it, or nothing.
    pub holder: String,
    /// Whether self-service reset takes it.
    pub resets: bool,
    /// Whether its value was exported, not its name alone.
    pub is_value: bool,
    pub from: Option<Origin>,
}

/// A group.
#[derive(Clone, Debug, Default)]
pub(in crate::ingest) struct Group {
    pub from: Option<Origin>,
    pub id: String,
    pub name: String,
    pub mail: String,
    pub sid: String,
    pub is_role_assignable: bool,
    pub is_dynamic: bool,
}

/// An application or service principal.
#[derive(Clone, Debug, Default)]
pub(in crate::ingest) struct Application {
    pub from: Option<Origin>,
    pub id: String,
    pub app_id: String,
    pub name: String,
    pub is_principal: bool,
    pub is_managed: bool,
    pub enabled: Option<bool>,
}

/// Who is in, owns, or holds what, by object ids.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::ingest) struct Link {
    pub from: Origin,
    pub principal: String,
    pub of: String,
    pub is_eligible: bool,
}

/// A directory role, assigned.
#[derive(Clone, Debug)]
pub(in crate::ingest) struct Assignment {
    pub from: Origin,
    pub principal: String,
    /// The id of the definition.
    pub role: String,
    /// `/`, `/administrativeUnits/ID` or `/ID`.
    pub scope: String,
    pub is_eligible: bool,
}

/// An administrative unit.
#[derive(Clone, Debug, Default)]
pub(in crate::ingest) struct Unit {
    pub name: String,
    pub is_restricted: bool,
}

/// The self-service reset policy of users.
#[derive(Clone, Debug)]
pub(in crate::ingest) struct ResetPolicy {
    /// 0 nobody, 1 the groups, 2 everybody.
    pub enablement: i64,
    pub methods: i64,
    pub groups: Vec<String>,
    pub email: bool,
    pub mobile: bool,
    pub office: bool,
    pub app: bool,
    pub questions: bool,
}

/// Everything that was read.
#[derive(Default)]
pub(in crate::ingest) struct Tenant {
    /// By object id, in lower case.
    pub users: BTreeMap<String, User>,
    /// Object ids by login, both in lower case.
    pub logins: BTreeMap<String, String>,
    pub groups: BTreeMap<String, Group>,
    pub applications: BTreeMap<String, Application>,
    pub units: BTreeMap<String, Unit>,
    /// Names of role definitions by id; template ids name themselves.
    pub roles: BTreeMap<String, RoleName>,
    pub members: Vec<Link>,
    pub owners: Vec<Link>,
    pub unit_members: Vec<Link>,
    pub assignments: Vec<Assignment>,
    /// Application permissions: principal and the id of the permission.
    pub permissions: Vec<Link>,
    pub policy: Option<ResetPolicy>,
    /// Methods that the tenant has switched off, by id in lower case.
    pub switched_off: std::collections::BTreeSet<String>,
    /// Whether administrators reset their own passwords.
    pub admins_reset: Option<bool>,
    /// What the export holds, by document.
    pub seen: std::collections::BTreeSet<&'static str>,
    /// A place to speak of the export as a whole.
    pub origin: Option<Origin>,
}

/// A role definition of the tenant.
#[derive(Clone, Debug, Default)]
pub(in crate::ingest) struct RoleName {
    pub template: String,
    pub name: String,
    /// Whether a role of the tenant's own resets passwords.
    pub resets: bool,
}

impl Tenant {
    /// The user with this object id or login, made if it is not there.
    pub fn user(&mut self, id: &str, login: &str) -> &mut User {
        let (id, login) = (id.to_lowercase(), login.to_lowercase());
        let known = if id.is_empty() {
            self.logins.get(&login).cloned()
        } else {
            Some(id.clone())
        };
        let key = known.unwrap_or_else(|| format!("login:{login}"));
        // What an earlier file knew by login alone is the same account.
        if !login.is_empty() {
            let earlier = self.logins.insert(login, key.clone());
            if let Some(earlier) =
                earlier.filter(|earlier| *earlier != key && earlier.starts_with("login:"))
                && let Some(mut user) = self.users.remove(&earlier)
            {
                user.id.clone_from(&id);
                self.users.entry(key.clone()).or_insert(user);
            }
        }
        let user = self.users.entry(key).or_default();
        if user.id.is_empty() {
            user.id = id;
        }
        user
    }

    /// The user that a file or wrapper names by object id or login.
    pub fn named_user(&mut self, name: &str) -> Option<&mut User> {
        let name = name.to_lowercase();
        let key = if self.users.contains_key(&name) {
            name
        } else {
            self.logins.get(&name)?.clone()
        };
        self.users.get_mut(&key)
    }

    /// The domain that most logins end in: what the tenant is called.
    pub fn label(&self) -> String {
        let mut domains: BTreeMap<&str, usize> = BTreeMap::new();
        for user in self.users.values() {
            if let Some((name, domain)) = user.login.rsplit_once('@')
                && !name.to_uppercase().contains("#EXT#")
            {
                *domains.entry(domain).or_default() += 1;
            }
        }
        let most = domains
            .into_iter()
            .max_by(|one, two| one.1.cmp(&two.1).then_with(|| two.0.cmp(one.0)));
        most.map_or_else(|| "entra".to_owned(), |(domain, _)| domain.to_lowercase())
    }
}

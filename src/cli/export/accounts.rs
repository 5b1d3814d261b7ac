//! Who is to have which tier in the tool, and who had which by the export before.

use std::collections::BTreeMap;

use super::ids::{Ids, is_okta};
use super::state::State;
use crate::cli::args::ExportArgs;
use crate::model::{IdentityKind, TIERS, fold};
use crate::report::{self, View, chain};
use crate::write::reset_tools::{self, Account};

/// The tiers that are exported.
pub(super) fn wanted(args: &ExportArgs) -> Vec<u8> {
    match (&args.tier[..], args.to.is_by_group()) {
        ([], true) => vec![0, 1, 2],
        ([], false) => (0..TIERS as u8).collect(),
        (some, _) => some.to_vec(),
    }
}

/// What an earlier export told of an account.
pub(super) struct Told {
    pub(super) id: String,
    pub(super) tier: u8,
    pub(super) native: Option<String>,
}

/// The accounts of an export.
pub(super) struct Accounts {
    /// Ascending by id.
    pub(super) all: Vec<Account>,
    /// By id, for those who have one: the id by which an export that was read knows it.
    pub(super) objects: BTreeMap<String, String>,
    /// How many have left a tier that is exported for one that is not.
    pub(super) unsaid: usize,
}

/// An account of the inputs.
pub(super) struct Now<'s> {
    pub(super) at: usize,
    pub(super) id: String,
    pub(super) native: Option<String>,
    pub(super) object: Option<String>,
    pub(super) aliases: &'s [String],
    pub(super) told: Option<Told>,
}

/// Every account with its tier before and now, ascending by id.
pub(super) fn accounts(view: &View<'_>, args: &ExportArgs, before: Option<&State>) -> Accounts {
    let wanted = wanted(args);
    let aliases = report::aliases(view.org);
    let ids = Ids::new(view.org);
    let mut all: Vec<Now<'_>> = Vec::new();
    for (at, result) in view.scan.identities.iter().enumerate() {
        let identity = &view.org.identities[result.identity as usize];
        // Accounts that nothing declares are nobody's to reset here.
        if !identity.declared || (identity.kind == IdentityKind::External && !args.external) {
            continue;
        }
        let names = aliases.get(&identity.asset).map_or(&[][..], Vec::as_slice);
        let object = view.org.provenance(&identity.meta);
        let object = object.map(|from| from.object.to_string());
        let is_native = |name: &&String| {
            reset_tools::is_guid(name) || is_okta(name) || name.starts_with("s-1-")
        };
        let object = object.or_else(|| names.iter().find(is_native).cloned());
        all.push(Now {
            at,
            id: view.shown(identity.asset).to_owned(),
            native: ids.native(args.to, identity, names),
            object: object.filter(|object| !object.is_empty()),
            aliases: names,
            told: None,
        });
    }
    let gone = recognise(&mut all, before);
    let mut accounts = Accounts {
        all: Vec::new(),
        objects: BTreeMap::new(),
        unsaid: 0,
    };
    for now in all {
        let result = &view.scan.identities[now.at];
        let identity = &view.org.identities[result.identity as usize];
        let (was, native) = match now.told {
            Some(told) => (Some(told.tier), now.native.or(told.native)),
            None => (None, now.native),
        };
        let tier = result.tier.filter(|tier| wanted.contains(tier));
        // A tier that is not exported this time stays what it is in the tool.
        let kept = was.filter(|tier| !wanted.contains(tier));
        let has_left = was.is_some() && tier.or(kept).is_none();
        let is_strict = result
            .tier
            .is_some_and(|tier| usize::from(tier) + 1 < TIERS);
        accounts.unsaid += usize::from(has_left && is_strict);
        let answer = result.answer.as_ref();
        let proof = answer.and_then(|answer| answer.proof());
        let is_service = matches!(
            identity.kind,
            IdentityKind::Service | IdentityKind::Workload
        );
        if let Some(object) = now.object {
            accounts.objects.insert(now.id.clone(), object);
        }
        accounts.all.push(Account {
            before: was,
            now: tier.or(kept),
            previous: identity.tier,
            unlocks: answer.map_or(0, |answer| answer.unlocks().len()),
            hops: answer
                .and_then(|answer| answer.unlocks().first())
                .map(|one| one.hops),
            chain: proof.map_or_else(String::new, |proof| chain(view, proof).text(view, false)),
            // What the tool took once is a user to it.
            is_user: !is_service || was.is_some() || reset_tools::is_address(&now.id),
            id: now.id,
            native,
        });
    }
    // Those that are gone from the inputs still have a tier in the tool.
    for told in gone {
        accounts.all.push(Account {
            id: told.id,
            native: told.native,
            is_user: true,
            before: Some(told.tier),
            now: Some(told.tier).filter(|tier| !wanted.contains(tier)),
            previous: None,
            unlocks: 0,
            hops: None,
            chain: String::new(),
        });
    }
    accounts.all.sort_by(|one, two| one.id.cmp(&two.id));
    accounts
}

/// Finds out who is who: by the id in the tool, by name, by the id in the exports that were read, by a name
/// that was kept as an alias. A name that somebody else has now, by the id in the tool, is not the same
/// account. Gives those whom nobody is.
pub(super) fn recognise(all: &mut [Now<'_>], before: Option<&State>) -> Vec<Told> {
    let mut old: BTreeMap<String, Told> = BTreeMap::new();
    let (mut natives, mut objects) = (BTreeMap::new(), BTreeMap::new());
    for before in before.into_iter() {
        for (id, tier) in &before.tiers {
            let key = fold(id).into_owned();
            let [native, object] =
                [&before.native, &before.objects].map(|ids| ids.get(id).cloned());
            for (ids, one) in [(&mut natives, &native), (&mut objects, &object)] {
                if let Some(one) = one {
                    ids.insert(one.to_lowercase(), key.clone());
                }
            }
            let told = Told {
                id: id.clone(),
                tier: *tier,
                native,
            };
            old.insert(key, told);
        }
    }
    let lower = |id: &Option<String>| id.as_ref().map(|id| id.to_lowercase());
    for now in all.iter_mut() {
        let key = lower(&now.native).and_then(|native| natives.get(&native));
        now.told = key.and_then(|key| old.remove(key));
    }
    for now in all.iter_mut().filter(|now| now.told.is_none()) {
        let key = fold(&now.id).into_owned();
        let is_other = |told: &Told| {
            told.native.is_some()
                && now.native.is_some()
                && lower(&told.native) != lower(&now.native)
        };
        if old.get(&key).is_some_and(|told| !is_other(told)) {
            now.told = old.remove(&key);
        }
    }
    for now in all.iter_mut().filter(|now| now.told.is_none()) {
        let by_object = lower(&now.object).and_then(|object| objects.get(&object).cloned());
        let by_object = by_object.filter(|key| old.contains_key(key));
        let mut names = now.aliases.iter().map(|name| fold(name).into_owned());
        let key = by_object.or_else(|| names.find(|name| old.contains_key(name)));
        now.told = key.and_then(|key| old.remove(&key));
    }
    old.into_values().collect()
}

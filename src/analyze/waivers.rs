//! Accepted risks applied to what a scan found. They change no tier: a reset tool must not be told
//! that an account is harmless because somebody lives with the danger.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::Scan;
use crate::model::{AssetId, Kind, Organisation, RowRef, Table, Waiver, Word, row_key};

/// What became of a waiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaiverState {
    /// It is in force for so many findings or chains.
    InForce(u32),
    /// It is in force for something that was not looked for: people who act together, or findings
    /// where only identities were scanned.
    NotSought,
    /// Nothing that was found is what it names.
    Unused,
    /// Its time is over: what it names counts again.
    Expired,
}

/// A waiver and what its names stand for in an organisation.
#[derive(Clone, Debug)]
pub struct Accepted {
    waiver: Waiver,
    who: Vec<AssetId>,
    system: Option<AssetId>,
    rows: Vec<RowRef>,
    /// Whether everything that it names is there.
    is_known: bool,
}

impl Accepted {
    /// Looks up what waivers name: O(rows) of the tables of which a row is named.
    #[must_use]
    pub fn find(org: &Organisation, waivers: &[Waiver]) -> Vec<Self> {
        let mut rows = rows(org, waivers);
        let asset = |kind: Kind, name: &str| {
            let (kind, bare) = Kind::split(name).unwrap_or((kind, name));
            org.assets.find_spelled(kind, bare)
        };
        let all = waivers.iter().map(|waiver| {
            let who = waiver.identities.iter();
            let who: Option<Vec<AssetId>> = who.map(|name| asset(Kind::Identity, name)).collect();
            let system = waiver.system.as_ref();
            let system = system.map(|name| asset(Kind::System, name));
            let rows = waiver.row.as_ref().map(|key| rows.remove(key));
            let mut accepted = Self {
                is_known: who.is_some() && system != Some(None) && rows != Some(None),
                who: who.unwrap_or_default(),
                system: system.flatten(),
                rows: rows.flatten().unwrap_or_default(),
                waiver: waiver.clone(),
            };
            accepted.who.sort_unstable();
            accepted.who.dedup();
            accepted
        });
        all.collect()
    }

    /// Replaces names by those that the organisation has now, after it was redacted.
    pub fn redact(&mut self, org: &Organisation) {
        let shown = |&id: &AssetId| org.assets.get(id).shown.to_owned();
        self.waiver.identities = self.who.iter().map(shown).collect();
        self.waiver.system = self.system.as_ref().map(shown);
        self.waiver.row = self.rows.first().map(|&row| row_key(org, row));
        for text in [&mut self.waiver.why, &mut self.waiver.who] {
            "redacted".clone_into(text);
        }
    }
}

/// The rows that waivers name, by their keys.
fn rows(org: &Organisation, waivers: &[Waiver]) -> FxHashMap<String, Vec<RowRef>> {
    let named = waivers.iter().filter_map(|waiver| waiver.row.as_ref());
    let mut rows: FxHashMap<String, Vec<RowRef>> =
        named.map(|key| (key.clone(), Vec::new())).collect();
    for &(word, table) in Table::WORDS {
        let is_named = waivers.iter().any(|waiver| {
            let key = waiver.row.as_ref();
            key.is_some_and(|key| key.split('|').next() == Some(word))
        });
        for index in 0..if is_named { org.rows_in(table) } else { 0 } {
            let row = RowRef {
                table,
                index: index as u32,
            };
            if let Some(rows) = rows.get_mut(&row_key(org, row)) {
                rows.push(row);
            }
        }
    }
    rows.retain(|_, rows| !rows.is_empty());
    rows
}

/// Waivers and what they are in force for.
#[derive(Clone, Debug, Default)]
pub struct Waived {
    /// Every waiver with what became of it, in the order of the files.
    pub list: Vec<(Waiver, WaiverState)>,
    /// For findings by position the waiver.
    findings: FxHashMap<usize, usize>,
    /// For chains of an identity to a system, or to any, the waiver.
    pairs: FxHashMap<(AssetId, Option<AssetId>), usize>,
    /// For those who act together, ascending, the system (or any) and the waiver.
    together: BTreeMap<Vec<AssetId>, Vec<(Option<AssetId>, usize)>>,
}

impl Waived {
    /// Applies waivers at some time, in seconds since 1970 (UTC).
    #[must_use]
    pub fn new(org: &Organisation, scan: &Scan, accepted: Vec<Accepted>, now: i64) -> Self {
        let mut waived = Self::default();
        for (at, accepted) in accepted.into_iter().enumerate() {
            let state = if accepted.waiver.until <= now {
                WaiverState::Expired
            } else if !accepted.is_known {
                WaiverState::Unused
            } else {
                match accepted.who[..] {
                    [] if !scan.is_whole => WaiverState::NotSought,
                    [] => in_force(waived.of_findings(scan, at, &accepted)),
                    [identity] => in_force(waived.chain(org, scan, at, identity, accepted.system)),
                    _ => {
                        let known = waived.together.entry(accepted.who).or_default();
                        known.push((accepted.system, at));
                        WaiverState::NotSought
                    }
                }
            };
            waived.list.push((accepted.waiver, state));
        }
        waived
    }

    fn chain(
        &mut self,
        org: &Organisation,
        scan: &Scan,
        at: usize,
        identity: AssetId,
        system: Option<AssetId>,
    ) -> u32 {
        let result = scan
            .identities
            .iter()
            .find(|result| org.identities[result.identity as usize].asset == identity);
        let unlocks = result.and_then(|result| result.answer.as_ref());
        let unlocks = unlocks.map_or(&[][..], |answer| answer.unlocks()).iter();
        let count = unlocks
            .filter(|one| system.is_none_or(|system| system.0 == one.system.0))
            .count();
        if count > 0 {
            self.pairs.entry((identity, system)).or_insert(at);
        }
        count as u32
    }

    fn of_findings(&mut self, scan: &Scan, at: usize, accepted: &Accepted) -> u32 {
        let mut count = 0;
        for (place, finding) in scan.findings.iter().enumerate() {
            let code = accepted.waiver.finding;
            let is_code = code.is_none_or(|code| code == finding.code);
            let is_row = accepted.waiver.row.is_none()
                || finding.rows.iter().any(|row| accepted.rows.contains(row));
            if is_code && is_row {
                self.findings.entry(place).or_insert(at);
                count += 1;
            }
        }
        count
    }

    /// The waiver that is in force for a finding, by its position.
    #[must_use]
    pub fn finding(&self, at: usize) -> Option<&Waiver> {
        self.findings.get(&at).map(|&at| &self.list[at].0)
    }

    /// The waiver that is in force for what an identity unlocks.
    #[must_use]
    pub fn pair(&self, identity: AssetId, system: AssetId) -> Option<&Waiver> {
        if self.pairs.is_empty() {
            return None;
        }
        let known = self.pairs.get(&(identity, Some(system)));
        let known = known.or_else(|| self.pairs.get(&(identity, None)));
        known.map(|&at| &self.list[at].0)
    }

    /// Every waiver of a set that acts together: who, ascending, the system (or any) and the position
    /// of the waiver, in the order of the files.
    #[must_use]
    pub fn sets(&self) -> Vec<(&[AssetId], Option<AssetId>, usize)> {
        let all = self.together.iter();
        let mut sets: Vec<_> = all
            .flat_map(|(who, of)| of.iter().map(move |&(system, at)| (&**who, system, at)))
            .collect();
        sets.sort_unstable_by_key(|(.., at)| *at);
        sets
    }

    /// Whether all that an identity unlocks, at least one system, is waived.
    #[must_use]
    pub fn covers(&self, identity: AssetId, systems: impl Iterator<Item = AssetId>) -> bool {
        let mut systems = systems.peekable();
        !self.pairs.is_empty()
            && systems.peek().is_some()
            && systems.all(|system| self.pair(identity, system).is_some())
    }

    /// How many pairs of an identity and a system waivers in force name.
    #[must_use]
    pub fn pair_count(&self) -> u32 {
        let chains = self
            .list
            .iter()
            .filter(|(waiver, _)| waiver.identities.len() == 1);
        let counts = chains.map(|(_, state)| match state {
            WaiverState::InForce(count) => *count,
            _ => 0,
        });
        counts.sum()
    }
}

fn in_force(count: u32) -> WaiverState {
    match count {
        0 => WaiverState::Unused,
        count => WaiverState::InForce(count),
    }
}

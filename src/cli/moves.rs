//! What moved between two scans, in words and as JSON.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::{Value, json};

use super::appeared::{New, appeared};
use super::args::MoveKind;
use super::loaded::named;
use crate::analyze::IdentityResult;
use crate::analyze::compare::{Comparison, Move};
use crate::model::AssetId;
use crate::report::{self, View, clipped, code, visible};
use crate::solve::{self, Proof};

/// Columns of a line.
pub(super) const COLUMNS: usize = 118;
/// Names that are listed before the rest is counted.
const LISTED: usize = 5;

/// Two scans and what is different.
pub(super) struct Told<'v, 'a> {
    pub before: &'v View<'a>,
    pub after: &'v View<'a>,
    pub found: &'v Comparison,
}

impl Told<'_, '_> {
    /// The conditions that hold, each with how often.
    pub(super) fn conditions(&self, asked: &[MoveKind]) -> Vec<String> {
        let moved = self.found.moved.iter().filter(|one| !self.is_waived(one));
        let some_moved = moved.clone().count();
        let (raised, grew, gained) = (
            moved.clone().filter(|one| one.is_raise()).count(),
            moved
                .clone()
                .filter(|one| one.tier[1] == Some(0) && one.tier[0] != Some(0))
                .count(),
            moved.filter(|one| !one.gained.is_empty()).count(),
        );
        // Whoever is new and can bring something down was not there before either.
        let appeared: BTreeSet<u32> = self.found.appeared.iter().copied().collect();
        let new = self
            .after
            .scan
            .identities
            .iter()
            .filter(|result| appeared.contains(&result.identity) && !self.covers(result));
        let new_worst = new.clone().filter(|one| one.tier == Some(0)).count();
        let new_count = new.clone().count();
        let new_some = new
            .filter(|one| {
                one.answer
                    .as_ref()
                    .is_some_and(|one| !one.unlocks().is_empty())
            })
            .count();
        let all = some_moved + new_count + self.found.vanished.len();
        let counted = asked.iter().map(|kind| match kind {
            MoveKind::TierRaised => ("tier-raised", raised),
            MoveKind::Tier0Grew => ("tier0-grew", grew + new_worst),
            MoveKind::UnlocksGained => ("unlocks-gained", gained + new_some),
            MoveKind::Moved => ("moved", all),
        });
        counted
            .filter(|(_, count)| *count > 0)
            .map(|(word, count)| format!("{word} ({count})"))
            .collect()
    }

    /// Whether all that an identity has gained is an accepted risk.
    fn is_waived(&self, one: &Move) -> bool {
        let identity = self.after.org.identities[one.identity[1] as usize].asset;
        let waived = &self.after.scan.waived;
        !one.gained.is_empty() && waived.covers(identity, one.gained.iter().copied())
    }

    fn covers(&self, result: &IdentityResult) -> bool {
        let identity = self.after.org.identities[result.identity as usize].asset;
        let unlocks = result.answer.iter().flat_map(|answer| answer.unlocks());
        let systems = unlocks.map(|one| AssetId(one.system.0));
        self.after.scan.waived.covers(identity, systems)
    }

    /// Tiers and pairs before and after, then who moved. `cause` says more of a move.
    pub(super) fn text(&self, top: usize, cause: &dyn Fn(usize) -> Vec<String>) -> String {
        let mut text = String::new();
        let found = self.found;
        if found.is_empty() {
            text.push_str("nothing moves: every tier and every unlocked system stays\n");
            return text;
        }
        // Writing to a string cannot fail.
        let _ = writeln!(text, "tier     before      after");
        for tier in 0..4 {
            let [before, after] = [0, 1].map(|side| found.tiers[side][tier]);
            let _ = writeln!(
                text,
                "{tier:>4} {before:>10} {after:>10}{}",
                signed(before, after)
            );
        }
        let [before, after] = found.pairs.map(|pairs| pairs.iter().sum::<u64>());
        let _ = writeln!(
            text,
            "pairs{before:>10} {after:>10}{}",
            signed(before, after)
        );
        for (word, view, list) in [
            ("appeared", self.after, &found.appeared),
            ("vanished", self.before, &found.vanished),
        ] {
            if !list.is_empty() {
                let names = list
                    .iter()
                    .map(|&at| view.org.identities[at as usize].asset);
                let line = format!("{word}: {}", names_of(view, names, list.len()));
                let _ = writeln!(text, "\n{}", clipped(&line, COLUMNS));
            }
        }
        if !found.moved.is_empty() {
            let _ = writeln!(
                text,
                "\nmoved ({} in all, the worst first)",
                found.moved.len()
            );
        }
        for (at, one) in found.moved.iter().take(top).enumerate() {
            self.one(&mut text, one);
            for line in cause(at) {
                let _ = writeln!(text, "          {}", clipped(&visible(&line), COLUMNS - 10));
            }
        }
        if found.moved.len() > top {
            let _ = writeln!(
                text,
                "  and {} more; --top tells more of them",
                found.moved.len() - top
            );
        }
        let new = self.appeared(top);
        if !new.is_empty() {
            let _ = writeln!(
                text,
                "\nnew and unlock something ({} in all, the worst first)",
                new.len()
            );
        }
        for one in new.iter().take(top) {
            let (line, below) = self.new_lines(one);
            let _ = writeln!(text, "  {}", clipped(&line, COLUMNS - 2));
            for line in below {
                let _ = writeln!(text, "          {}", clipped(&visible(&line), COLUMNS - 10));
            }
        }
        if new.len() > top {
            let _ = writeln!(
                text,
                "  and {} more; --top tells more of them",
                new.len() - top
            );
        }
        text
    }

    fn appeared(&self, top: usize) -> Vec<New> {
        appeared(self.before, self.after, &self.found.appeared, top)
    }

    fn new_lines(&self, one: &New) -> (String, Vec<String>) {
        let systems = names_of(self.after, one.systems.iter().copied(), one.systems.len());
        let systems = systems.replace("system:", "");
        let waived = &self.after.scan.waived;
        let waived = if waived.covers(one.asset, one.systems.iter().copied()) {
            " (waived)"
        } else {
            ""
        };
        let name = named(self.after, one.asset);
        let line = format!(
            "new -> {}  {name}, unlocks {systems}{waived}",
            tier(one.tier)
        );
        let opened = one.chain.iter().map(|chain| format!("opened: {chain}"));
        let rows = one.rows.iter().map(|row| format!("new on it: {row}"));
        (line, opened.chain(rows).collect())
    }

    fn one(&self, text: &mut String, one: &Move) {
        let asset = self.after.org.identities[one.identity[1] as usize].asset;
        let [before, after] = one.tier.map(tier);
        let mut line = format!("  {before} -> {after}  {}", named(self.after, asset));
        let systems = |view: &View<'_>, list: &[AssetId]| {
            names_of(view, list.iter().copied(), list.len()).replace("system:", "")
        };
        if !one.gained.is_empty() {
            let _ = write!(line, ", now unlocks {}", systems(self.after, &one.gained));
        }
        if !one.lost.is_empty() {
            let _ = write!(line, ", no longer {}", systems(self.before, &one.lost));
        }
        if one.gained.is_empty() && one.lost.is_empty() {
            line += &self.reason(one);
        }
        if self.is_waived(one) {
            line.push_str(" (waived)");
        }
        let _ = writeln!(text, "{}", clipped(&line, COLUMNS));
        for (sign, view, identity, list) in [
            ("opened", self.after, one.identity[1], &one.gained),
            ("closed", self.before, one.identity[0], &one.lost),
        ] {
            if let Some(told) = list.first().and_then(|&goal| chain(view, identity, goal)) {
                let _ = writeln!(text, "          {sign}: {}", clipped(&told, COLUMNS - 18));
            }
        }
    }

    /// Why a tier moves though the same systems fall.
    fn reason(&self, one: &Move) -> String {
        let worst = |view: &View<'_>, at: u32| {
            let mut results = view.scan.identities.iter();
            let result = results.find(|result| result.identity == at)?;
            let worst = result.answer.as_ref()?.unlocks().first()?;
            Some(view.criticality(worst.system))
        };
        let sides = [
            (self.before, one.identity[0]),
            (self.after, one.identity[1]),
        ];
        match sides.map(|(view, at)| worst(view, at)) {
            [Some(was), Some(is)] if was != is => {
                format!(", the worst that it unlocks has criticality {is}, not {was}")
            }
            _ => ", by its kind, a signal or another rule of the policy".to_owned(),
        }
    }

    /// The same as a page for a ticket or a wiki: names are code, so that nothing in them is markup.
    pub(super) fn markdown(
        &self,
        changed: usize,
        top: usize,
        cause: &dyn Fn(usize) -> Vec<String>,
    ) -> String {
        let mut text = String::new();
        let found = self.found;
        // Writing to a string cannot fail.
        let _ = writeln!(text, "# What moved\n\n{changed} changed rows and gates.\n");
        text.push_str("| tier | before | after |\n|---:|---:|---:|\n");
        for tier in 0..4 {
            let [before, after] = [0, 1].map(|side| found.tiers[side][tier]);
            let _ = writeln!(text, "| {tier} | {before} | {after} |");
        }
        for (word, view, list) in [
            ("Appeared", self.after, &found.appeared),
            ("Vanished", self.before, &found.vanished),
        ] {
            if !list.is_empty() {
                let names = list
                    .iter()
                    .map(|&at| view.org.identities[at as usize].asset);
                let _ = writeln!(
                    text,
                    "\n{word}: {}",
                    code(&names_of(view, names, list.len()))
                );
            }
        }
        for (at, one) in found.moved.iter().take(top).enumerate() {
            let mut lines = String::new();
            self.one(&mut lines, one);
            let mut lines = lines.lines().map(str::trim);
            let _ = writeln!(text, "\n- {}", code(lines.next().unwrap_or_default()));
            for line in lines.map(str::to_owned).chain(cause(at)) {
                let _ = writeln!(text, "  - {}", code(&visible(&line)));
            }
        }
        if found.moved.len() > top {
            let _ = writeln!(text, "\nand {} more", found.moved.len() - top);
        }
        let new = self.appeared(top);
        for one in new.iter().take(top) {
            let (line, below) = self.new_lines(one);
            let _ = writeln!(text, "\n- {}", code(&line));
            for line in below {
                let _ = writeln!(text, "  - {}", code(&visible(&line)));
            }
        }
        if new.len() > top {
            let _ = writeln!(text, "\nand {} new ones more", new.len() - top);
        }
        text
    }

    /// The same for scripts, with chains of the first moves; `causes` says more of each move.
    pub(super) fn json(&self, top: usize, causes: &dyn Fn(usize) -> Value) -> Value {
        let found = self.found;
        let shown = |view: &View<'_>, list: &[AssetId]| -> Vec<String> {
            list.iter()
                .map(|&asset| view.shown(asset).to_owned())
                .collect()
        };
        let moved = found.moved.iter().enumerate().map(|(at, one)| {
            let asset = self.after.org.identities[one.identity[1] as usize].asset;
            let told = |view: &View<'_>, side: usize, list: &[AssetId]| {
                let first = list.first().filter(|_| at < top);
                first.and_then(|&goal| chain(view, one.identity[side], goal))
            };
            let mut entry = json!({
                "identity": self.after.shown(asset),
                "tier": { "before": one.tier[0], "after": one.tier[1] },
                "gained": shown(self.after, &one.gained),
                "lost": shown(self.before, &one.lost),
                "waived": self.is_waived(one),
                "opened": told(self.after, 1, &one.gained),
                "closed": told(self.before, 0, &one.lost),
            });
            let causes = causes(at);
            if !causes.is_null() {
                entry["causes"] = causes;
            }
            entry
        });
        let moved: Vec<Value> = moved.collect();
        let names = |view: &View<'_>, list: &[u32]| -> Vec<String> {
            let assets = list
                .iter()
                .map(|&at| view.org.identities[at as usize].asset);
            assets.map(|asset| view.shown(asset).to_owned()).collect()
        };
        let new: Vec<Value> = self
            .appeared(top)
            .iter()
            .map(|one| {
                json!({
                    "identity": self.after.shown(one.asset),
                    "tier": { "before": null, "after": one.tier },
                    "gained": shown(self.after, &one.systems),
                    "opened": one.chain,
                    "rows": one.rows,
                })
            })
            .collect();
        let sides = |[before, after]: [Value; 2]| json!({ "before": before, "after": after });
        json!({
            "tiers": sides(found.tiers.map(|tiers| json!(tiers))),
            "pairs": sides(found.pairs.map(|pairs| json!(pairs))),
            "appeared": names(self.after, &found.appeared),
            "new": new,
            "vanished": names(self.before, &found.vanished),
            "moved": moved,
        })
    }
}

pub(super) fn signed(before: u64, after: u64) -> String {
    match after.cmp(&before) {
        std::cmp::Ordering::Equal => String::new(),
        std::cmp::Ordering::Greater => format!("  +{}", after - before),
        std::cmp::Ordering::Less => format!("  -{}", before - after),
    }
}

pub(super) fn tier(tier: Option<u8>) -> String {
    tier.map_or_else(|| "-".to_owned(), |tier| tier.to_string())
}

fn names_of(view: &View<'_>, assets: impl Iterator<Item = AssetId>, count: usize) -> String {
    let names: Vec<String> = assets
        .take(LISTED)
        .map(|asset| named(view, asset))
        .collect();
    let more = match count.saturating_sub(LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", names.join(", "))
}

/// The shortest proof of a system from an identity.
pub(super) fn proof(view: &View<'_>, identity: u32, goal: AssetId) -> Option<Proof> {
    let atlas = &view.program.atlas;
    let start = atlas.fact(view.org.identities[identity as usize].asset);
    let goal = atlas.fact(goal);
    let mut given = vec![start];
    let alone = solve::closure(&view.program.graph, &given);
    alone.proof(&view.program.graph, goal).or_else(|| {
        given.extend(&view.program.assumed);
        solve::closure(&view.program.graph, &given).proof(&view.program.graph, goal)
    })
}

/// The same in one line.
fn chain(view: &View<'_>, identity: u32, goal: AssetId) -> Option<String> {
    let proof = proof(view, identity, goal)?;
    Some(report::chain(view, &proof).text(view, false))
}

//! Where the lanes of a family end, and what each has found by then.

use super::Families;
use crate::rules::Fact;
use crate::solve::lanes::beginning::{Beginning, Begun};
use crate::solve::lanes::mask::each_of;

/// Where a lane is.
#[derive(Clone, Default)]
pub(super) struct Lane {
    /// The level at which it starts.
    pub(super) start: u32,
    /// How many facts it has, and how many of them with its last whole level.
    pub(super) count: usize,
    whole: usize,
    /// That level, and facts that the next one begins with.
    pub(super) end: Option<(u32, Vec<Fact>)>,
}

impl Lane {
    pub(super) fn starting_at(level: u32) -> Self {
        Self {
            start: level,
            ..Self::default()
        }
    }
}

impl Families<'_> {
    /// Ends lanes that have more facts than they may with the level before; nothing where there is none.
    pub(super) fn end_large(&mut self, level: u32, most: usize) -> Option<()> {
        for lane in each_of(self.active) {
            let state = &mut self.lanes[lane];
            if state.count > most {
                if state.start == level {
                    return None;
                }
                state.end = Some((level - 1, Vec::new()));
                self.active &= !(1 << lane);
            }
        }
        Some(())
    }

    /// Ends lanes that have enough facts with this level, or all there are; nothing where the next level
    /// begins with more than they may keep of it.
    pub(super) fn end_level(&mut self, level: u32, enough: usize, most: usize) -> Option<()> {
        let mut go_on = 0;
        for coming in &self.now {
            go_on |= coming.lanes & !self.have[coming.fact.index()];
        }
        let mut ending = 0;
        for lane in each_of(self.active) {
            let state = &mut self.lanes[lane];
            state.whole = state.count;
            if state.count >= enough || go_on & (1 << lane) == 0 {
                state.end = Some((level, Vec::new()));
                ending |= 1 << lane;
            }
        }
        self.active &= !ending;
        if ending & go_on == 0 {
            return Some(());
        }
        if self.now.len() > most {
            return None;
        }
        for coming in &self.now {
            let lanes = coming.lanes & ending & !self.have[coming.fact.index()];
            for lane in each_of(lanes) {
                if let Some((_, facts)) = &mut self.lanes[lane].end {
                    facts.push(coming.fact);
                }
            }
        }
        Some(())
    }

    /// What each lane found, in the order of facts.
    pub(super) fn beginnings(&mut self) -> Vec<Beginning> {
        self.events.sort_unstable_by_key(|event| event.fact);
        let mut found: Vec<Beginning> = Vec::with_capacity(self.lanes.len());
        let mut ends = Vec::with_capacity(self.lanes.len());
        for lane in &mut self.lanes {
            let (end, mut coming) = lane.end.take().unwrap_or_default();
            coming.sort_unstable();
            coming.dedup();
            ends.push((lane.start, end));
            found.push(Beginning {
                level: end - lane.start,
                facts: Vec::with_capacity(lane.whole),
                coming,
            });
        }
        for event in &self.events {
            for lane in each_of(event.lanes) {
                let ((start, end), beginning) = (ends[lane], &mut found[lane]);
                if event.level <= end {
                    beginning.facts.push(Begun {
                        fact: event.fact,
                        level: event.level - start,
                        round: event.round,
                        why: event.why,
                    });
                } else if event.round == 0 {
                    beginning.coming.push(event.fact);
                }
            }
        }
        found
    }
}

//! How much the next step of a walk may cost before it is too dear.

/// Steps that were too dear before that is a rule: a few large ones say nothing of the others.
const MANY: u32 = 16;
/// Changes by which a walk learns what steps cost ...
const LEARNT: usize = 1 << 12;
/// ... and after which it halves what it knows of that: the next part of the forest may be another kind.
const REMEMBERED: usize = 1 << 16;

/// What a walk has learnt of its steps.
#[derive(Default)]
pub(super) struct Trials {
    /// Changes by steps that were not too dear ...
    useful: usize,
    /// ... and by those that were.
    wasted: usize,
    /// How many of the latter there were.
    dear: u32,
}

impl Trials {
    /// Which part of its usual limit the next step is allowed. Where steps that were too dear have cost
    /// much, so would the next ones: finding out costs less.
    pub(super) fn part(&self) -> usize {
        let enough = self.useful + LEARNT;
        if self.dear < MANY || self.wasted < enough / 4 {
            1
        } else if self.wasted < enough {
            4
        } else {
            16
        }
    }

    /// A step was done, or was too dear, after so many changes.
    pub(super) fn note(&mut self, is_done: bool, changes: usize) {
        if is_done {
            self.useful += changes;
        } else {
            self.wasted += changes;
            self.dear += 1;
        }
        if self.useful + self.wasted > REMEMBERED {
            self.useful /= 2;
            self.wasted /= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_allowed_less_after_many_that_were_too_dear_and_more_again_after_others() {
        let mut trials = Trials::default();
        for _ in 1..MANY {
            trials.note(false, LEARNT);
            assert_eq!(trials.part(), 1);
        }
        trials.note(false, LEARNT);
        assert_eq!(trials.part(), 16);
        let mut seen = Vec::new();
        for _ in 0..32 {
            trials.note(true, LEARNT);
            seen.push(trials.part());
        }
        seen.dedup();
        assert_eq!(seen, [16, 4, 1]);
    }

    #[test]
    fn small_ones_that_are_too_dear_cost_the_next_ones_nothing() {
        let mut trials = Trials::default();
        for _ in 0..100 {
            trials.note(false, 10);
        }
        assert_eq!(trials.part(), 1);
    }
}

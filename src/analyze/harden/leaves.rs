//! Plans that take members out of groups which recoveries leave out: such a change may open what it
//! should close.

use super::{Demand, Fix, Plan, Planner};

impl Planner<'_> {
    /// The cheapest plan that was found, with a bound that no plan undercuts.
    pub(super) fn plan_with_leaves(&mut self) -> Plan {
        // Taking somebody out of a group that recoveries leave out may open what it should close. What
        // cannot be reached even if it did not, or not with less, cannot be reached at all.
        let (mut relaxed, fixes, demands) = self.relaxed();
        let leaves = fixes.iter().copied();
        let leaves: Vec<Fix> = leaves
            .filter(|fix| matches!(fix, Fix::Leave(at) if self.fixes.speaks(*at)))
            .collect();
        let state = self.state(&fixes);
        let hopeless = relaxed.hopeless.len();
        let allowed = relaxed.allowed.max(hopeless);
        let holds = state.given.is_none() && state.beyond.len() <= allowed;
        if relaxed.is_given || holds {
            let fixes = self.without_idle(fixes, allowed);
            self.order(&mut relaxed, fixes, &demands);
            return relaxed;
        }
        let mut best: Option<Plan> = None;
        for base in [Vec::new(), leaves] {
            self.base = base;
            let plan = self.plan();
            let rank = |plan: &Plan| {
                let left = plan.fixes.last().map_or(plan.before, |fix| fix.left);
                (!plan.is_reached, left, plan.cost)
            };
            if best.as_ref().is_none_or(|best| rank(&plan) < rank(best)) {
                best = Some(plan);
            }
        }
        let mut plan = best.unwrap_or_default();
        (plan.bound, plan.before) = (relaxed.bound, relaxed.before);
        if !relaxed.is_reached {
            plan.hopeless = relaxed.hopeless;
        }
        plan
    }

    /// A plan whose changes are taken leniently, not yet put into order, and those changes.
    fn relaxed(&mut self) -> (Plan, Vec<Fix>, Vec<Demand>) {
        (self.is_lenient, self.fixes.may_speak) = (true, true);
        let (plan, fixes, demands, _) = self.search();
        (self.is_lenient, self.fixes.may_speak) = (false, false);
        self.spoilt.clear();
        (plan, fixes.unwrap_or_default(), demands)
    }
}

//! Questions and answers: one scan of an organisation, its tiers, its findings.

pub mod accountability;
pub mod audit;
pub mod causes;
pub mod choke;
pub mod compare;
mod coverage;
pub mod demands;
pub mod explain;
mod findings;
pub mod harden;
mod order;
pub mod pairs;
mod scan;
mod single;
pub mod targets;
mod tiers;
mod waivers;

pub use coverage::Coverage;
pub use findings::Finding;
pub use order::IdOrder;
pub use scan::{Baseline, FootholdResult, IdentityResult, Scan, scan, scan_by, scan_identities};
pub use tiers::{Change, Judge, Verdict, is_open};
pub use waivers::{Accepted, Waived, WaiverState};

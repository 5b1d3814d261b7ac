//! A table for change boards.

use super::super::guarded;
use super::{Account, Made, csv};

/// Every account, changed or not.
pub(super) fn table(accounts: &[Account]) -> Made {
    let mut made = Made::default();
    let header = [
        "identity",
        "current_tier",
        "required_tier",
        "chain_length",
        "privileged_targets",
        "weakest_chain",
    ];
    let number = |tier: Option<u8>| tier.map(|tier| tier.to_string()).unwrap_or_default();
    let rows = accounts
        .iter()
        .filter(|account| account.now.is_some())
        .map(|account| {
            vec![
                account.id.clone(),
                number(account.previous),
                number(account.now),
                account
                    .hops
                    .map(|hops| hops.to_string())
                    .unwrap_or_default(),
                account.unlocks.to_string(),
                guarded(&account.chain).into_owned(),
            ]
        });
    let header = header.map(str::to_owned).to_vec();
    made.file(
        "reset-tiers.csv".to_owned(),
        csv(std::iter::once(header).chain(rows)),
    );
    made
}

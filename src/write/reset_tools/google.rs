//! Google Workspace: organisational units and groups, as lists for GAM.

use super::{Account, Made, Names, csv, is_address, moves};
use crate::model::TIERS;

const NO_ADDRESS: &str = "its id is no primary address";

fn leave_out(accounts: &[&Account], made: &mut Made) {
    let cannot = accounts.iter().filter(|account| !is_address(&account.id));
    made.left_out
        .extend(cannot.map(|account| (account.id.clone(), NO_ADDRESS)));
}

/// What the unit of a tier is called: `#` and `+` make a name one that GAM cannot find.
pub(super) fn unit(names: &Names, tier: u8) -> String {
    names.of(tier).replace(['#', '+', '/'], "-")
}

/// Which unit each account belongs into; whoever leaves all tiers goes to `/`.
pub(super) fn units(accounts: &[&Account], names: &Names) -> Made {
    let mut made = Made::default();
    leave_out(accounts, &mut made);
    let rows: Vec<Vec<String>> = accounts
        .iter()
        .filter(|account| is_address(&account.id))
        .map(|account| {
            let unit = account
                .now
                .map_or("/".to_owned(), |tier| format!("/{}", unit(names, tier)));
            vec![account.id.clone(), unit]
        })
        .collect();
    if !rows.is_empty() {
        let header = vec!["primaryEmail".to_owned(), "ou".to_owned()];
        made.file(
            "units.csv".to_owned(),
            csv(std::iter::once(header).chain(rows)),
        );
    }
    made
}

/// Lists of those who enter and leave the group of each tier.
pub(super) fn groups(accounts: &[&Account]) -> Made {
    let mut made = Made::default();
    leave_out(accounts, &mut made);
    for tier in 0..TIERS as u8 {
        let [gone, come] = moves(accounts, tier);
        for (word, list) in [("remove", gone), ("add", come)] {
            let rows: Vec<Vec<String>> = list
                .iter()
                .filter(|account| is_address(&account.id))
                .map(|account| vec![account.id.clone()])
                .collect();
            if !rows.is_empty() {
                let header = vec!["email".to_owned()];
                let text = csv(std::iter::once(header).chain(rows));
                made.file(format!("tier-{tier}-{word}.csv"), text);
            }
        }
    }
    made
}

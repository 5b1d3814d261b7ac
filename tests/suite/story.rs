//! The shipped organisation tells the story that its README tells.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::support::{Fallen, scan};

fn harbour(assume: &[&str]) -> BTreeMap<String, (Option<u8>, Fallen)> {
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/harbour");
    let assume: Vec<String> = assume.iter().map(|text| (*text).to_owned()).collect();
    scan(&[&folder], &assume, false).identities()
}

fn tier_of(found: &BTreeMap<String, (Option<u8>, Fallen)>, who: &str) -> u8 {
    found[who].0.unwrap_or_else(|| panic!("{who} has no tier"))
}

#[test]
fn nine_mistakes_are_found() {
    let found = harbour(&[]);
    for (who, tier, system) in [
        ("k.lowe", 0, "tenant"),
        ("b.tran", 0, "tenant"),
        ("night-ilves", 0, "terminal-control"),
        ("hd-quinn", 1, "network-core"),
        ("y.haddad", 0, "backups"),
        ("v.solberg", 0, "terminal-control"),
        ("f.bakare", 1, "payroll"),
        ("p.marsh", 0, "backups"),
        ("h.vance", 1, "ledger"),
    ] {
        assert_eq!(tier_of(&found, who), tier, "{who}");
        assert!(found[who].1.unlocks.contains_key(system), "{who}");
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/harbour");
    let footholds = scan(&[&folder], &[], false).footholds();
    assert!(
        footholds["mailbox:okafor.sails@webmail.example"]
            .unlocks
            .contains_key("tenant")
    );
}

#[test]
fn the_false_alarm_is_ruled_out() {
    let found = harbour(&[]);
    for (who, tier) in [("hd-pell", 2), ("hd-sato", 2), ("s.adeyemi", 3)] {
        assert_eq!(tier_of(&found, who), tier, "{who}");
        assert!(!found[who].1.unlocks.contains_key("vault-console"), "{who}");
    }
}

#[test]
fn one_chain_needs_an_assumption() {
    let (without, with) = (harbour(&[]), harbour(&["sim-swap"]));
    for who in ["m.eide", "t.hussain"] {
        assert_eq!(tier_of(&without, who), 3);
        assert!(without[who].1.unlocks.is_empty());
        assert_eq!(tier_of(&with, who), 0);
        assert!(with[who].1.unlocks.contains_key("terminal-control"));
    }
}

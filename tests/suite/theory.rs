//! Published and constructed examples of recovery graphs, with the closures and heights that are
//! known for them. Every gate costs one hop here, so a level is the height of a proof.
//!
//! E1 is the web shop of Hammann et al. (CCS 2019); E2 the chain of August 2012 and E3 a made-up
//! person, both from the authors' tool; E4 and E5 are public incidents of 2009 and 2012; E6 is an
//! enterprise with a quorum; M1 to M6 are the smallest graphs on which a wrong solver fails.

use std::collections::{BTreeMap, BTreeSet};

use linchpin::rules::{Class, Fact, RuleGraph, RuleGraphBuilder};
use linchpin::solve::{Closure, closure};

/// A graph read from lines like `r5: a, b -> h` (AND) and `k1: 2/ a, b, c -> h` (2 of 3). `=>` is
/// `->`; `x -> h / i` is two rules, named `r` and `r.2`.
pub struct Example {
    pub graph: RuleGraph,
    pub facts: BTreeMap<String, Fact>,
    /// The name of every gate.
    pub rules: Vec<String>,
}

impl Example {
    pub fn new(rules: &str) -> Self {
        Self::without(rules, "")
    }

    /// The same without one rule.
    pub fn without(rules: &str, dropped: &str) -> Self {
        let mut builder = RuleGraphBuilder::new();
        let mut facts: BTreeMap<String, Fact> = BTreeMap::new();
        let mut names = Vec::new();
        for line in rules.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (name, rule) = line.split_once(':').unwrap();
            let (body, heads) = rule
                .split_once("->")
                .or_else(|| rule.split_once("=>"))
                .unwrap();
            let (need, body) = match body.split_once('/') {
                Some((need, body)) => (Some(need.trim().parse().unwrap()), body),
                None => (None, body),
            };
            let mut fact = |name: &str| {
                *facts
                    .entry(name.trim().to_owned())
                    .or_insert_with(|| builder.fact(Class::Account))
            };
            let inputs: Vec<Fact> = body.split(',').map(&mut fact).collect();
            let heads: Vec<Fact> = heads.split('/').map(&mut fact).collect();
            let need = need.unwrap_or(inputs.len() as u32);
            if name != dropped {
                for (at, head) in heads.into_iter().enumerate() {
                    builder.gate(head, need, 1, &inputs);
                    names.push(match at {
                        0 => name.to_owned(),
                        at => format!("{name}.{}", at + 1),
                    });
                }
            }
        }
        Self {
            graph: builder.finish(),
            facts,
            rules: names,
        }
    }

    fn closure(&self, given: &[&str]) -> Closure {
        let given: Vec<Fact> = given.iter().map(|name| self.facts[*name]).collect();
        closure(&self.graph, &given)
    }

    fn height(&self, given: &[&str], goal: &str) -> Option<u32> {
        self.closure(given).level(self.facts[goal])
    }

    fn reaches(&self, given: &[&str], goal: &str) -> bool {
        self.height(given, goal).is_some()
    }

    fn names(&self, closure: &Closure) -> BTreeSet<&str> {
        self.facts
            .iter()
            .filter(|(_, fact)| closure.contains(**fact))
            .map(|(name, _)| name.as_str())
            .collect()
    }

    /// How many facts fall with the seed beside it and beside what is assumed anyway.
    fn gain(&self, assumed: &[&str], seed: &str) -> usize {
        let mut given = assumed.to_vec();
        given.push(seed);
        let all = self.names(&self.closure(&given)).len();
        let free = self.closure(assumed);
        all - self.names(&free).len() - usize::from(!free.contains(self.facts[seed]))
    }

    /// The gain of every seed that has one.
    fn gains(&self, assumed: &[&str]) -> BTreeMap<&str, usize> {
        let seeds = self.facts.keys().map(String::as_str);
        seeds
            .map(|seed| (seed, self.gain(assumed, seed)))
            .filter(|(_, gain)| *gain > 0)
            .collect()
    }

    /// Single facts that reach the goal, the goal itself left out.
    pub fn seeds_of(&self, assumed: &[&str], goal: &str) -> BTreeSet<&str> {
        let reaching = self.facts.keys().map(String::as_str).filter(|&seed| {
            let mut given = assumed.to_vec();
            given.push(seed);
            seed != goal && self.reaches(&given, goal)
        });
        reaching.collect()
    }
}

const E1: &str = "
    w1: pwd_shop -> acc_shop
    w2: acc_mail -> acc_shop
    w3: pwd_mail, code -> acc_mail
    w4: device -> code
    w5: finger -> device
    w6: PIN -> device";

#[test]
fn e1_web_shop() {
    let shop = Example::new(E1);
    let gains = BTreeMap::from([
        ("pwd_shop", 1),
        ("acc_mail", 1),
        ("device", 1),
        ("finger", 2),
        ("PIN", 2),
    ]);
    assert_eq!(shop.gains(&[]), gains);
    for set in [
        &["pwd_shop"][..],
        &["pwd_mail", "finger"],
        &["pwd_mail", "PIN"],
        &["pwd_mail", "code"],
        &["pwd_mail", "device"],
    ] {
        assert!(shop.reaches(set, "acc_shop"), "{set:?}");
        for left_out in 0..set.len() {
            let mut fewer = set.to_vec();
            fewer.remove(left_out);
            assert!(
                !shop.reaches(&fewer, "acc_shop"),
                "{fewer:?} is enough already"
            );
        }
    }
}

pub const E2: &str = "
    r1: pwd4 -> Gmail
    r2: pwd1 -> iCloud
    r3: pwd2 -> Amazon
    r4: pwd3 -> Twitter
    r5: Apple_Support, CC_num, billing_addr => iCloud
    r6: Amazon -> CC_num
    r7: Amazon_Support, billing_addr => Amazon
    r8: Apple_Support, secQ => iCloud
    r9: iCloud => Gmail
    r10: Gmail => Twitter
    r11: iPhone -> Gmail
    r12: iPhone -> iCloud
    r13: iPhone -> Twitter
    r14: iPad -> Gmail
    r15: iPad -> iCloud
    r16: PIN, iPhone_locked -> iPhone
    r17: PIN, iPad_locked -> iPad
    r18: CC -> CC_num";

pub const DESKS: [&str; 2] = ["Apple_Support", "Amazon_Support"];

#[test]
fn e2_the_chain_of_2012() {
    let honan = Example::new(E2);
    assert_eq!(honan.facts.len(), 19);
    let gains = BTreeMap::from([
        ("iPhone", 3),
        ("iPad", 3),
        ("pwd1", 3),
        ("iCloud", 2),
        ("pwd2", 2),
        ("pwd4", 2),
        ("Gmail", 1),
        ("Amazon", 1),
        ("CC", 1),
        ("pwd3", 1),
    ]);
    assert_eq!(honan.gains(&[]), gains);
    assert_eq!(honan.gain(&DESKS, "billing_addr"), 5);
    assert_eq!(honan.gain(&DESKS, "secQ"), 3);
    let talked = [DESKS[0], DESKS[1], "billing_addr"];
    let heights =
        ["Amazon", "CC_num", "iCloud", "Gmail", "Twitter"].map(|fact| honan.height(&talked, fact));
    assert_eq!(heights, [Some(1), Some(2), Some(3), Some(4), Some(5)]);
    let seeds = [
        "pwd1",
        "pwd3",
        "pwd4",
        "secQ",
        "billing_addr",
        "iPhone",
        "iPad",
        "iCloud",
        "Gmail",
    ];
    assert_eq!(honan.seeds_of(&DESKS, "Twitter"), BTreeSet::from(seeds));
    for locked in ["iPhone_locked", "iPad_locked"] {
        assert!(honan.reaches(&["PIN", locked], "Twitter") && !honan.reaches(&[locked], "Twitter"));
    }
    assert!(!honan.reaches(&["PIN"], "Twitter"));
    // The proof is unique: every rule of it is needed.
    for rule in ["r7", "r6", "r5", "r9", "r10"] {
        assert!(
            !Example::without(E2, rule).reaches(&talked, "Twitter"),
            "{rule}"
        );
    }
}

#[test]
fn e2_without_the_card_digits() {
    let honan = Example::without(E2, "r5");
    assert_eq!(honan.gain(&DESKS, "billing_addr"), 2);
    assert!(!honan.reaches(&[DESKS[0], DESKS[1], "billing_addr"], "Twitter"));
}

#[test]
fn e3_a_person() {
    let person = Example::new(
        "1: Password -> Mail
         2: Phone_PIN, Locked_Phone -> Phone
         3: Fingerprint, Locked_Phone -> Phone
         4: Phone -> Mail_data
         5: Mail -> Mail_data
         6: Mail_data => Ecommerce
         7: SMS_Code => Mail
         8: Phone -> SMS_Code
         9: Password -> Ecommerce
         10: ATM_Card_PIN -> ATM_Card
         11: ATM_Card, Banking_Security_Device -> Banking_OTP
         12: Banking_Password, Banking_OTP -> Banking",
    );
    let gains = BTreeMap::from([
        ("Phone", 4),
        ("Password", 3),
        ("SMS_Code", 3),
        ("Mail", 2),
        ("Mail_data", 1),
        ("ATM_Card_PIN", 1),
    ]);
    assert_eq!(person.gains(&[]), gains);
    for set in [
        &["Password"][..],
        &["Phone_PIN", "Locked_Phone"],
        &["Locked_Phone", "Fingerprint"],
    ] {
        assert!(person.reaches(set, "Ecommerce"), "{set:?}");
    }
    assert!(!person.reaches(&["Locked_Phone"], "Ecommerce"));
    let bank = [
        "ATM_Card_PIN",
        "Banking_Security_Device",
        "Banking_Password",
    ];
    assert!(person.reaches(&bank, "Banking"));
    for left_out in 0..bank.len() {
        let mut fewer = bank.to_vec();
        fewer.remove(left_out);
        assert!(!person.reaches(&fewer, "Banking"));
    }
}

pub const E4: &str = "
    c1: hotmail_expired -> gmail_emp
    c2: gmail_emp -> pwd_reused
    c3: pwd_reused -> gapps_emp
    c4: gapps_emp -> corp_docs
    c5: gapps_emp -> gapps_coworkers
    c6: pwd_reused -> itunes
    c7: itunes -> card_full
    c8: pwd_reused -> amazon
    c9: pwd_reused -> mobileme
    c10: pwd_reused -> att
    c11: gapps_coworkers -> godaddy_domains";

#[test]
fn e4_the_expired_mailbox_of_2009() {
    let croll = Example::new(E4);
    assert_eq!(croll.gain(&[], "hotmail_expired"), 11);
    assert_eq!(croll.height(&["hotmail_expired"], "corp_docs"), Some(4));
    assert_eq!(
        croll.height(&["hotmail_expired"], "godaddy_domains"),
        Some(5)
    );
}

pub const E5: &str = "
    f1: att_voicemail -> gmail_personal
    f2: gmail_personal -> cf_gapps_ceo
    f2x: gmail_personal, ceo_totp -> cf_gapps_ceo
    f3: cf_gapps_ceo -> cf_gapps_admin
    f4: cf_gapps_admin -> bcc_reset_mail
    f5: bcc_reset_mail -> cust_account
    f6: cust_account -> cust_dns";

#[test]
fn e5_the_recovery_that_skipped_the_factor() {
    let cloud = Example::new(E5);
    assert_eq!(cloud.gain(&[], "att_voicemail"), 6);
    assert_eq!(cloud.height(&["att_voicemail"], "cust_dns"), Some(6));
    let mended = Example::without(E5, "f2");
    assert_eq!(mended.gain(&[], "att_voicemail"), 1);
    assert!(!mended.reaches(&["att_voicemail"], "cust_dns"));
    assert!(mended.reaches(&["att_voicemail", "ceo_totp"], "cust_dns"));
}

pub const E6: &str = "
    k1: 2/ alice_phone, alice_pmail, alice_empid -> alice_corp
    k2: alice_corp -> hd_ticket
    k3: hd_ticket, mgr_ok -> hd_reset
    k4: bob_corp -> mgr_ok
    k5: hd_reset -> carol_corp
    k6: carol_corp -> idp_admin
    k7: idp_admin -> alice_corp / bob_corp / carol_corp
    k8: 2/ idp_admin, bob_corp, dana_corp -> vault
    k9: idp_admin -> payroll
    k10: carrier -> alice_phone / bob_phone
    k11: bob_phone, bob_pmail -> bob_corp
    k12: bob_phone -> bob_pmail
    k13: alice_phone -> alice_pmail
    k14: hr_portal -> alice_empid";

#[test]
fn e6_an_enterprise_with_a_quorum() {
    let corp = Example::new(E6);
    assert_eq!(corp.gain(&[], "carrier"), 13);
    assert_eq!(corp.height(&["carrier"], "vault"), Some(8));
    assert_eq!(corp.height(&["carrier"], "payroll"), Some(8));
    let seeds = BTreeSet::from(["hd_reset", "carol_corp", "idp_admin", "carrier"]);
    assert_eq!(corp.seeds_of(&[], "vault"), seeds);
    assert_eq!(corp.seeds_of(&[], "payroll"), seeds);
    for pair in [
        ["hd_ticket", "mgr_ok"],
        ["bob_corp", "dana_corp"],
        ["bob_phone", "dana_corp"],
        ["alice_phone", "bob_phone"],
    ] {
        assert!(corp.reaches(&pair, "vault"), "{pair:?}");
    }
    assert!(!corp.reaches(&["bob_corp", "dana_corp"], "payroll"));
}

#[test]
fn m1_no_fact_supports_itself() {
    let graph = Example::new("1: a, b -> c\n2: c -> a");
    assert_eq!(graph.names(&graph.closure(&["b"])), BTreeSet::from(["b"]));
}

#[test]
fn m2_an_and_gate_that_leads_upstream() {
    let graph = Example::new("1: x -> y\n2: x -> z\n3: y, z -> w\n4: w -> x");
    let all = BTreeSet::from(["w", "x", "y", "z"]);
    assert_eq!(graph.names(&graph.closure(&["x"])), all);
    assert_eq!(graph.names(&graph.closure(&["w"])), all);
    assert_eq!(graph.names(&graph.closure(&["y"])), BTreeSet::from(["y"]));
}

#[test]
fn m3_a_gate_across_two_hubs() {
    let graph = Example::new("1: h1 -> m1\n2: h2 -> m2\n3: m1, m2 -> p\n4: s -> h1\n5: s -> h2");
    assert!(graph.reaches(&["s"], "p"));
    assert!(!graph.reaches(&["h1"], "p") && !graph.reaches(&["h2"], "p"));
}

#[test]
fn m4_the_longest_branch_is_what_counts() {
    let rules = "1: s -> x1\n2: x1 -> x2\n3: x2 -> a\n4: a -> b\n5: a -> c\n6: b, c -> p
        7: s -> y1\n8: y1 -> y2\n9: y2 -> y3\n10: y3 -> y4\n11: y4 -> y5\n12: y5 -> y6\n13: y6 -> p";
    let graph = Example::new(rules);
    assert_eq!(graph.height(&["s"], "p"), Some(5));
    let proof = graph
        .closure(&["s"])
        .proof(&graph.graph, graph.facts["p"])
        .unwrap();
    assert_eq!(proof.steps.len(), 6, "the gate's proof, not the chain's");
    assert_eq!(Example::without(rules, "6").height(&["s"], "p"), Some(7));
}

pub const M5: &str =
    "1: s -> x\n2: s -> y\n3: x -> m1\n4: x -> m2\n5: y -> m3\n6: 2/ m1, m2, m3 -> g";

#[test]
fn m5_one_branch_is_enough_for_two_of_three() {
    let graph = Example::new(M5);
    assert!(graph.reaches(&["x"], "g") && !graph.reaches(&["y"], "g"));
    assert!(!Example::without(M5, "1").reaches(&["s"], "g"));
    assert!(Example::without(M5, "2").reaches(&["s"], "g"));
}

#[test]
fn m6_inputs_are_a_multiset() {
    let graph = Example::new("1: 2/ a, a -> h\n2: 2/ b, c -> h");
    assert!(graph.reaches(&["a"], "h"));
    assert!(!graph.reaches(&["b"], "h"));
}

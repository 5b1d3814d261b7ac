//! `--policy`: every kind of rule, which rule wins, when signals fall off, and what is wrong with a file.

use linchpin::model::Word;
use serde_json::Value;

use crate::support::{Folder, command, linchpin, text};

const TABLES: [(&str, &str); 8] = [
    (
        "identities.csv",
        "id,kind,department\nana,,Quay\nbo,,quay \ncy,,\ndi,,\ned,,\nglass,break_glass,\nroot,admin,\n",
    ),
    ("mailboxes.csv", "id,owner,delegates\nm1,ed,\nm2,,ed\n"),
    (
        "memberships.csv",
        "member,group,access\nana,inner,\ngroup:inner,outer,\nbo,outer,eligible\n",
    ),
    // cy resets di, who has the directory; root has three systems of little weight.
    (
        "recoveries.csv",
        "source,target,method,restores\nidentity:cy,di,help_desk,account\nidentity:ed,cy,help_desk,account\n",
    ),
    (
        "systems.csv",
        "id,criticality\ndirectory,0\none,2\ntwo,2\nthree,1\n",
    ),
    (
        "grants.csv",
        "principal,system\ndi,directory\nroot,one\nroot,two\nroot,three\n",
    ),
    (
        "signals.csv",
        "identity,signal,seen\nana,phishing,2026-03-01T12:00:00Z\nbo,other,\ndi,sim_swap,2026-03-31T00:00:00Z\n",
    ),
    ("mfa_bindings.csv", "identity,factor,holder\n"),
];

/// The tier of everybody by a policy, with the names of the rules that made it.
fn tiers(policy: &str, more: &[&str]) -> Vec<String> {
    let tables = Folder::new(&TABLES);
    let file = Folder::new(&[("policy.toml", policy)]);
    let out = tempfile::tempdir().unwrap();
    command()
        .args(["scan", tables.str(), "--quiet", "--out"])
        .arg(out.path())
        .arg("--policy")
        .arg(file.path().join("policy.toml"))
        .args(more)
        .assert()
        .success();
    let document = std::fs::read_to_string(out.path().join("tiers.json")).unwrap();
    let document: Value = serde_json::from_str(&document).unwrap();
    let rules = &document["policy"]["rules"];
    let mut tiers: Vec<String> = document["identities"]
        .as_array()
        .unwrap()
        .iter()
        .map(|identity| {
            let rule = |key: &str| identity[key].as_u64().map(|at| text(&rules[at as usize]));
            let mut told = format!("{} {}", text(&identity["id"]), identity["tier"]);
            for name in [rule("rule"), rule("stricter")].into_iter().flatten() {
                told += &format!(" {name}");
            }
            told
        })
        .collect();
    tiers.sort_unstable();
    tiers
}

/// Those that are not in tier 3 by no rule.
fn moved(policy: &str) -> Vec<String> {
    let mut tiers = tiers(policy, &[]);
    tiers.retain(|told| !told.ends_with(" 3"));
    tiers
}

fn rule(conditions: &str) -> String {
    format!("[[rule]]\nname = \"r\"\n{conditions}\n")
}

#[test]
fn each_condition_by_itself() {
    for (conditions, expected) in [
        (
            "criticality = 0\ntier = 1",
            &["cy 1 r", "di 1 r", "ed 1 r"][..],
        ),
        (
            "criticality = 1\ntier = 1",
            &["cy 1 r", "di 1 r", "ed 1 r", "root 1 r"],
        ),
        ("systems_at_least = 3\ntier = 0", &["root 0 r"]),
        ("systems_at_least = 4\ntier = 0", &[]),
        ("systems_at_least = 3\ncriticality = 1\ntier = 0", &[]),
        (
            "systems_at_least = 1\ncriticality = 1\ntier = 0",
            &["cy 0 r", "di 0 r", "ed 0 r", "root 0 r"],
        ),
        ("hops_at_most = 0\ntier = 2", &["di 2 r", "root 2 r"]),
        (
            "hops_at_most = 1\ncriticality = 0\ntier = 2",
            &["cy 2 r", "di 2 r"],
        ),
        ("accounts_at_least = 2\ntier = 2", &["ed 2 r"]),
        ("accounts_at_least = 3\ntier = 2", &[]),
        ("mailboxes_at_least = 2\ntier = 2", &["ed 2 r"]),
        (
            "kind = [\"admin\", \"break_glass\"]\ntier = 1",
            &["glass 1 r", "root 1 r"],
        ),
        ("group = [\"Inner\"]\ntier = 0", &["ana 0 r"]),
        (
            "group = [\"group:outer\"]\ntier = 0",
            &["ana 0 r", "bo 0 r"],
        ),
        ("group = [\"nobody\", \"inner\"]\ntier = 0", &["ana 0 r"]),
        ("department = [\"QUAY\"]\ntier = 0", &["ana 0 r", "bo 0 r"]),
        (
            "signal = [\"phishing\", \"other\"]\ntier = 1",
            &["ana 1 r", "bo 1 r"],
        ),
        (
            "signal = [\"any\"]\ntier = 1",
            &["ana 1 r", "bo 1 r", "di 1 r"],
        ),
        (
            "department = [\"quay\"]\nsignal = [\"phishing\"]\ntier = 1",
            &["ana 1 r"],
        ),
    ] {
        assert_eq!(moved(&rule(conditions)), expected, "{conditions}");
    }
    // An eligible member is none where only what stands counts.
    let standing = tiers(&rule("group = [\"outer\"]\ntier = 0"), &["--standing-only"]);
    assert!(standing.contains(&"bo 3".to_owned()), "{standing:?}");
}

#[test]
fn the_strictest_rule_wins_then_the_largest_step_and_a_fixed_one_before_all() {
    let policy = "
        otherwise = 2
        [[rule]]
        name = \"wide\"
        criticality = 2
        tier = 1
        [[rule]]
        name = \"narrow\"
        criticality = 0
        tier = 0
        [[rule]]
        name = \"late\"
        criticality = 0
        tier = 0
        [[rule]]
        name = \"a step\"
        signal = [\"any\"]
        stricter = 1
        [[rule]]
        name = \"two steps\"
        signal = [\"phishing\"]
        stricter = 2
        [[rule]]
        name = \"kept\"
        kind = [\"admin\"]
        fixed = 3
        [[rule]]
        name = \"kept after all\"
        kind = [\"admin\"]
        fixed = 0";
    assert_eq!(
        tiers(policy, &[]),
        [
            "ana 0 two steps",
            "bo 1 a step",
            "cy 0 narrow",
            "di 0 narrow a step",
            "ed 0 narrow",
            "glass 2",
            "root 3 kept",
        ]
    );
}

#[test]
fn a_signal_falls_off_to_the_second() {
    let policy = rule("signal = [\"any\"]\nwithin = \"30 days\"\ntier = 1");
    let at = |now: &str| {
        let tiers = tiers(&policy, &["--now", now]);
        let has = |name: &str| tiers.contains(&format!("{name} 1 r"));
        [has("ana"), has("bo"), has("di")]
    };
    // Seen on the first of March at noon; thirty days later it is gone. One of an unknown time stays.
    assert_eq!(at("2026-03-31T11:59:59Z"), [true, true, true]);
    assert_eq!(at("2026-03-31T12:00:00Z"), [false, true, true]);
    // Before it was seen it did not count.
    assert_eq!(at("2026-03-01T11:59:59Z"), [false, true, false]);
    assert_eq!(at("2026-03-01T12:00:00Z"), [true, true, false]);
    // The clock is the newest time in the inputs where --now is not given.
    let tiers = tiers(&policy, &[]);
    assert!(tiers.contains(&"ana 1 r".to_owned()), "{tiers:?}");
}

#[test]
fn what_is_built_in_is_what_is_printed() {
    let printed = linchpin(&["policy"]).success().get_output().stdout.clone();
    let printed = String::from_utf8(printed).unwrap();
    assert!(printed.starts_with("# The tier policy that is built in"));
    let tables = Folder::new(&TABLES);
    let file = Folder::new(&[("mine.toml", &printed)]);
    let policy = file.path().join("mine.toml");
    let scan = |more: &[&str]| {
        let out = tempfile::tempdir().unwrap();
        let arguments = [
            "scan",
            tables.str(),
            "--quiet",
            "--out",
            out.path().to_str().unwrap(),
        ];
        linchpin(&[&arguments[..], more].concat()).success();
        ["tiers.csv", "tiers.json"]
            .map(|name| std::fs::read_to_string(out.path().join(name)).unwrap())
    };
    assert_eq!(scan(&[]), scan(&["--policy", policy.to_str().unwrap()]));
}

#[test]
fn other_commands_go_by_it() {
    let tables = Folder::new(&TABLES);
    let strict = Folder::new(&[(
        "policy.toml",
        "[[rule]]\ncriticality = 0\nhops_at_most = 0\ntier = 0\n",
    )]);
    let policy = strict.path().join("policy.toml");
    let policy = policy.to_str().unwrap();
    let changes = Folder::new(&[("grants.csv", "change,principal,system\nadd,cy,directory\n")]);
    let arguments = [
        "whatif",
        tables.str(),
        "--change",
        changes.str(),
        "--policy",
        policy,
    ];
    let output = linchpin(&[&arguments[..], &["--fail-on", "tier-raised"]].concat()).code(1);
    let told = String::from_utf8(output.get_output().stdout.clone()).unwrap();
    assert!(told.contains("3 -> 0  cy"), "{told}");
    let output = linchpin(&[
        "harden",
        tables.str(),
        "--goal",
        "tier0<=0",
        "--policy",
        policy,
    ])
    .code(2);
    let said = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
    assert!(
        said.contains("count systems, hops, accounts or mailboxes"),
        "{said}"
    );
    let fine = Folder::new(&[("policy.toml", "[[rule]]\ncriticality = 0\ntier = 1\n")]);
    let policy = fine.path().join("policy.toml");
    let policy = policy.to_str().unwrap();
    let output = linchpin(&[
        "harden",
        tables.str(),
        "--goal",
        "tier0<=0",
        "--policy",
        policy,
    ])
    .success();
    let told = String::from_utf8(output.get_output().stdout.clone()).unwrap();
    assert!(told.contains("reached already"), "{told}");
}

#[test]
fn a_bad_policy_is_told_with_line_and_column() {
    for (policy, expected, place) in [
        ("[[rule]]\ntier = 9\n", "9 is out of range", ":2:8"),
        (
            "[[rule]]\nkind = [\"admn\"]\ntier = 0\n",
            "did you mean `admin`",
            ":2:9",
        ),
        (
            "[[rule]]\nname = \"x\"\n",
            "the rule `x` does not do one thing",
            ":1:1",
        ),
        (
            "[[rule]]\nsignal = [\"any\"]\nwithin = \"soon\"\ntier = 0\n",
            "`soon` is no length of time",
            ":3:10",
        ),
        (
            "[tier.0]\nproofing = \"passport\"\n",
            "`passport` is no word of `proofing`",
            ":2:12",
        ),
        ("[tier.4]\napprovers = 1\n", "unknown field `4`", ":1:7"),
        ("[tier.1]\napprovers = \"two\"\n", "expected i64", ":2:13"),
        (
            "[tier.1]\nmethods = [\"sms_code\", \"fax\"]\n",
            "`fax` is no word of `methods`",
            ":2:24",
        ),
        ("name = \n", "this is no policy", ":1:8"),
    ] {
        let tables = Folder::new(&TABLES);
        let file = Folder::new(&[("policy.toml", policy)]);
        let path = file.path().join("policy.toml");
        let out = tempfile::tempdir().unwrap();
        let output = linchpin(&[
            "scan",
            tables.str(),
            "--out",
            out.path().join("out").to_str().unwrap(),
            "--policy",
            path.to_str().unwrap(),
        ])
        .code(2);
        let said = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
        assert!(
            said.contains(expected) && said.contains(place),
            "{expected} {place}: {said}"
        );
        assert!(!out.path().join("out").exists(), "nothing is written");
    }
}

#[test]
fn a_group_that_nobody_has_is_told() {
    let tables = Folder::new(&TABLES);
    let file = Folder::new(&[("policy.toml", &rule("group = [\"Innr\"]\ntier = 0"))]);
    let out = tempfile::tempdir().unwrap();
    let output = command()
        .args(["scan", tables.str(), "--out"])
        .arg(out.path())
        .arg("--policy")
        .arg(file.path().join("policy.toml"))
        .assert()
        .success();
    let said = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
    assert!(
        said.contains("the policy's rule `r` names the group `Innr`"),
        "{said}"
    );
}

/// The page that compares the built-in policy with SP 800-63B-4 says what the policy says.
#[test]
fn the_page_on_the_default_policy_is_in_step_with_it() {
    let page = include_str!("../../data/policy/README.md").replace("\r\n", "\n");
    let policy = linchpin::ingest::policy::built_in();
    for (tier, demand) in policy.demands.iter().enumerate() {
        let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
        let words = |words: Vec<&str>, none: &str| match &*words.join(", ") {
            "" => none.to_owned(),
            words => words.to_owned(),
        };
        let forbidden = demand.forbidden_methods.iter().map(|method| method.word());
        let channels = demand.channels.iter().flatten().map(|one| one.word());
        let cells = [
            tier.to_string(),
            demand.proofing.unwrap().word().to_owned(),
            demand
                .or_methods
                .map_or("-".to_owned(), |count| count.to_string()),
            words(forbidden.collect(), "-"),
            words(channels.collect(), "any"),
            demand.approvers.to_string(),
            yes(demand.approvers_outside),
            format!("{} h", demand.hold_hours),
            yes(demand.revoke_sessions),
            yes(demand.logged),
            demand.notify.join("; "),
            yes(demand.escalation),
        ];
        let row = format!("| {} |", cells.join(" | "));
        assert!(page.contains(&row), "the page does not say: {row}");
    }
    for clause in [
        "4.2", "4.2.1", "4.2.1.1", "4.2.1.2", "4.2.1.3", "4.2.1.4", "4.2.2.1", "4.2.2.2",
        "4.2.2.3", "4.2.3", "4.6",
    ] {
        assert!(page.contains(&format!("\n| {clause} | ")), "{clause}");
    }
}

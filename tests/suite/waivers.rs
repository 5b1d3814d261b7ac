//! `--waivers`: accepted risks are shown as such, end when they end, and are reported when nothing
//! needs them.

use serde_json::Value;

use crate::support::{Folder, command, text};

const TABLES: [(&str, &str); 5] = [
    (
        "identities.csv",
        "id,kind,tier\nana,,3\nbo,,3\nadm,admin,0\n",
    ),
    (
        "recoveries.csv",
        "source,target,method\nidentity:ana,adm,help_desk\nphone:1,adm,sms_code\n",
    ),
    ("systems.csv", "id,criticality\nidp,0\n"),
    ("grants.csv", "principal,system\nadm,idp\n"),
    (
        "signals.csv",
        "identity,signal,seen\nbo,other,2026-06-30T12:00:00Z\n",
    ),
];

/// What a command says, with these waivers.
fn run(waivers: &str, arguments: &[&str], code: i32) -> (String, String) {
    let tables = Folder::new(&TABLES);
    let file = Folder::new(&[("waivers.toml", waivers)]);
    let file = file.path().join("waivers.toml");
    let output = command()
        .arg(arguments[0])
        .arg(tables.path())
        .args(&arguments[1..])
        .arg("--waivers")
        .arg(&file)
        .assert()
        .code(code);
    let output = output.get_output();
    let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (lossy(&output.stdout), lossy(&output.stderr))
}

fn scan(waivers: &str, more: &[&str], code: i32) -> (Value, String, Value) {
    let out = tempfile::tempdir().unwrap();
    let folder = out.path().join("out");
    let arguments = ["scan", "--out", folder.to_str().unwrap(), "--also", "sarif"];
    let (_, said) = run(waivers, &[&arguments[..], more].concat(), code);
    let json = |name: &str| {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        serde_json::from_str(&text).unwrap()
    };
    (json("tiers.json"), said, json("findings.sarif"))
}

const FOOTHOLD: &str = r#"
[[waiver]]
finding = "foothold-critical"
why = "the number is being ported"
who = "bo"
until = 2026-06-30
"#;

const CHAIN: &str = r#"
[[waiver]]
identity = "ANA"
system = "system:idp"
why = "she is the only operator"
who = "bo"
until = "2026-07-01T00:00:00Z"
"#;

#[test]
fn a_finding_that_is_waived_fails_nothing_and_is_shown() {
    scan("", &["--fail-on", "foothold-critical"], 1);
    let (tiers, _, sarif) = scan(FOOTHOLD, &["--fail-on", "foothold-critical"], 0);
    let findings = tiers["findings"].as_array().unwrap();
    let found = findings
        .iter()
        .find(|finding| finding["code"] == "foothold-critical")
        .unwrap();
    assert_eq!(found["waived"]["who"], "bo");
    assert_eq!(tiers["waivers"][0]["state"], "in force");
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let result = results
        .iter()
        .find(|result| result["ruleId"] == "foothold-critical")
        .unwrap();
    assert!(text(&result["suppressions"][0]["justification"]).contains("ported"));
}

#[test]
fn it_is_back_in_force_when_the_waiver_is_over() {
    // The newest time in the inputs is noon of its last day; a second after midnight it is over.
    let over = [
        "--fail-on",
        "foothold-critical",
        "--now",
        "2026-07-01T00:00:00Z",
    ];
    let (tiers, said, _) = scan(FOOTHOLD, &over, 1);
    assert_eq!(tiers["waivers"][0]["state"], "expired");
    assert!(
        said.contains("was in force until 2026-06-30: it counts again"),
        "{said}"
    );
    let last = [
        "--fail-on",
        "foothold-critical",
        "--now",
        "2026-06-30T23:59:59Z",
    ];
    scan(FOOTHOLD, &last, 0);
}

#[test]
fn what_nothing_needs_is_reported() {
    let unused = FOOTHOLD.replace("foothold-critical", "baseline-loss");
    let (tiers, said, _) = scan(&unused, &[], 0);
    assert_eq!(tiers["waivers"][0]["state"], "unused");
    assert!(
        said.contains("waiver of baseline-loss: nothing that was found is what it names"),
        "{said}"
    );
}

#[test]
fn a_chain_that_is_waived_is_waived_in_every_command() {
    // Tiers are what they are: a reset tool must not take ana for harmless.
    let (tiers, _, sarif) = scan(CHAIN, &["--fail-on", "tier-raised"], 1);
    let identities = tiers["identities"].as_array().unwrap();
    let ana = identities
        .iter()
        .find(|identity| identity["id"] == "ana")
        .unwrap();
    assert_eq!(ana["tier"], 0);
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let result = results
        .iter()
        .find(|result| text(&result["message"]["text"]).contains("`ana`"))
        .unwrap();
    assert_eq!(result["suppressions"][0]["kind"], "external");
    let (told, _) = run(CHAIN, &["explain", "--identity", "ana"], 0);
    assert!(
        told.contains("waived by bo until 2026-07-01T00:00:00Z: she is the only operator"),
        "{told}"
    );
    let pairs = |waivers: &str| -> Value {
        let (told, _) = run(waivers, &["chokepoints", "--format", "json"], 0);
        serde_json::from_str::<Value>(&told).unwrap()["pairs"]["0"].clone()
    };
    assert_eq!((pairs(""), pairs(CHAIN)), (2.into(), 1.into()));
    let (told, _) = run("", &["harden"], 0);
    assert!(told.contains("now 1 is beyond it"), "{told}");
    let (told, _) = run(CHAIN, &["harden"], 0);
    assert!(told.contains("reached already"), "{told}");
}

#[test]
fn a_redacted_scan_applies_waivers_and_names_nobody() {
    let row = "[[waiver]]\nrow = \"recoveries|phone:1|identity:adm|sms_code|password|||\"\nwhy = \"ana's quay\"\nwho = \"bo\"\nuntil = 2026-12-31\n";
    let (plain, ..) = scan(&[CHAIN, FOOTHOLD, row].concat(), &[], 0);
    let (tiers, said, sarif) = scan(&[CHAIN, FOOTHOLD, row].concat(), &["--redact"], 0);
    let states = |tiers: &Value| -> Vec<String> {
        let waivers = tiers["waivers"].as_array().unwrap().iter();
        waivers.map(|one| text(&one["state"])).collect()
    };
    assert_eq!(states(&plain), ["in force", "in force", "in force"]);
    assert_eq!(states(&tiers), states(&plain));
    for written in [tiers.to_string(), sarif.to_string(), said] {
        // As words: frameworks speak of what is "managed".
        let is_between = |c: char| !c.is_alphanumeric() && c != ':';
        for word in written.to_lowercase().split(is_between) {
            let is_told = ["ana", "adm", "ported", "quay", "phone:1"].contains(&word);
            assert!(!is_told, "{word}: {written}");
        }
    }
}

#[test]
fn a_waiver_of_one_chain_hides_nothing_else() {
    let (old, new) = (Folder::new(&TABLES), Folder::new(&TABLES));
    new.write(
        "identities.csv",
        "id,kind,tier\nana,,3\nbo,,3\nadm,admin,0\nglass,break_glass,\n",
    );
    let file = Folder::new(&[("waivers.toml", CHAIN)]);
    let file = file.path().join("waivers.toml");
    let diff = |conditions: &[&str], code: i32| {
        command()
            .args(["diff", old.str(), new.str(), "--waivers"])
            .arg(&file)
            .args(conditions.iter().flat_map(|one| ["--fail-on", one]))
            .assert()
            .code(code);
    };
    diff(&["tier0-grew"], 1);
    diff(&["unlocks-gained", "tier-raised"], 0);
}

#[test]
fn raises_that_are_accepted_as_a_whole_fail_nothing() {
    let all = FOOTHOLD.replace("foothold-critical", "tier-raised");
    scan(&all, &["--fail-on", "tier-raised"], 0);
}

#[test]
fn those_who_act_together_are_waived_as_a_set() {
    let tables = Folder::new(&[
        ("identities.csv", "id\nana\nbo\ncy\nadm\n"),
        (
            "recoveries.csv",
            "source,target,method,gate,need\nidentity:ana,adm,manager_approval,g,2\nidentity:bo,adm,manager_approval,g,2\nidentity:cy,adm,manager_approval,g,2\n",
        ),
        ("systems.csv", "id,criticality\nidp,0\n"),
        ("grants.csv", "principal,system\nadm,idp\n"),
    ]);
    let waiver = |who: &str| {
        format!("[[waiver]]\nidentity = {who}\nwhy = \"x\"\nwho = \"y\"\nuntil = 2026-12-31\n")
    };
    let pairs = |waivers: &str| {
        let file = Folder::new(&[("waivers.toml", waivers)]);
        let output = command()
            .args([
                "pairs",
                tables.str(),
                "--now",
                "2026-11-24T00:00:00Z",
                "--waivers",
            ])
            .arg(file.path().join("waivers.toml"))
            .assert()
            .success();
        let output = output.get_output();
        let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (lossy(&output.stdout), lossy(&output.stderr))
    };
    let (told, said) = pairs(&waiver("[\"Cy\", \"ana\"]"));
    assert!(
        told.contains("3 pairs of identities") && told.contains("alone, 1 of them waived"),
        "{told}"
    );
    assert!(told.contains("ana  +  cy (waived)"), "{told}");
    assert!(!said.contains("waiver of"), "{said}");
    let (told, said) = pairs(&waiver("[\"ana\", \"adm\"]"));
    assert!(!told.contains("waived"), "{told}");
    assert!(said.contains("waiver of ana + adm: nothing"), "{said}");
}

#[test]
fn moves_by_a_waived_chain_fail_nothing() {
    let changes = Folder::new(&[("grants.csv", "change,principal,system\nadd,bo,idp\n")]);
    let changes = changes.path().join("grants.csv");
    let arguments = [
        "whatif",
        "--change",
        changes.to_str().unwrap(),
        "--fail-on",
        "unlocks-gained",
    ];
    run("", &arguments, 1);
    let (told, _) = run(&CHAIN.replace("ANA", "bo"), &arguments, 0);
    assert!(told.contains("now unlocks idp (waived)"), "{told}");
}

#[test]
fn bad_waivers_are_told_with_their_place() {
    for (waivers, expected, place) in [
        (
            "[[waiver]]\nfinding = \"foothold-critcal\"\nwhy = \"x\"\nwho = \"y\"\nuntil = 2026-01-01\n",
            "did you mean `foothold-critical`",
            ":2:11",
        ),
        (
            "[[waiver]]\nwhy = \"x\"\nwho = \"y\"\nuntil = 2026-01-01\n",
            "nothing in particular",
            ":1:1",
        ),
        (
            "[[waiver]]\nrow = \"r\"\nwhy = \"\"\nwho = \"y\"\nuntil = 2026-01-01\n",
            "a waiver without a why",
            ":3:7",
        ),
        (
            "[[waiver]]\nrow = \"r\"\nwhy = \"x\"\nwho = \"y\"\nuntil = \"soon\"\n",
            "`soon` is no time",
            ":5:9",
        ),
        (
            "[[waiver]]\nidentity = []\nwhy = \"x\"\nwho = \"y\"\nuntil = 2026-01-01\n",
            "the chain of nobody",
            ":1:1",
        ),
        (
            "[[waiver]]\nsystem = \"s\"\nrow = \"r\"\nwhy = \"x\"\nwho = \"y\"\nuntil = 2026-01-01\n",
            "a system without an identity",
            ":1:1",
        ),
        (
            "[[waiver]]\nrow = \"r\"\nwhat = 1\n",
            "unknown field `what`",
            ":3:1",
        ),
    ] {
        let (_, said) = run(waivers, &["harden"], 2);
        assert!(
            said.contains(expected) && said.contains(place),
            "{expected} {place}: {said}"
        );
    }
}

#[test]
fn without_a_clock_nobody_knows_what_is_in_force() {
    let tables = Folder::new(&TABLES[..4]);
    let file = Folder::new(&[("waivers.toml", FOOTHOLD)]);
    let file = file.path().join("waivers.toml");
    let run = |more: &[&str]| {
        let output = command()
            .arg("harden")
            .arg(tables.path())
            .arg("--waivers")
            .arg(&file)
            .args(more)
            .assert();
        String::from_utf8_lossy(&output.get_output().stderr).into_owned()
    };
    assert!(run(&[]).contains("give --now"));
    assert!(!run(&["--now", "2026-01-01T00:00:00Z"]).contains("give --now"));
}

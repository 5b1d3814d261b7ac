//! What a scan finds beyond the tiers.

use linchpin::model::Word;

use crate::support::{Folder, scan};

/// Messages of one code, in order.
fn found(files: &[(&str, &str)], assume: &[&str], code: &str) -> Vec<String> {
    let folder = Folder::new(files);
    let assume: Vec<String> = assume.iter().map(|text| (*text).to_owned()).collect();
    let scanned = scan(&[folder.path()], &assume, false);
    let findings = scanned.scan.findings.into_iter();
    findings
        .filter(|finding| finding.code.word() == code)
        .map(|finding| finding.message)
        .collect()
}

const PEOPLE: (&str, &str) = ("identities.csv", "id,enabled\nann,\nben,\nvip,\ngone,no\n");

fn single(recoveries: &str, more: &[(&str, &str)]) -> Vec<String> {
    let text = format!("source,target,method,gate,need\n{recoveries}");
    let files = [&[PEOPLE, ("recoveries.csv", text.as_str())], more].concat();
    found(&files, &[], "gate-single-holder")
}

#[test]
fn one_asset_in_two_rows() {
    let rows = "+1 555 0100,vip,sms_code,g,2\n+1 555 0100,vip,voice_call,g,2\n";
    assert_eq!(
        single(rows, &[]),
        ["phone `+1 555 0100` alone satisfies 2 of 2 rows of gate `g`, for `vip`"]
    );
}

#[test]
fn a_person_in_two_groups_unless_disabled() {
    let rows = "group:a,vip,help_desk,g,\ngroup:b,vip,manager_approval,g,\n";
    let memberships = "member,group\nann,a\ngroup:inner,b\nann,inner\nben,a\ngone,a\ngone,b\n";
    assert_eq!(
        single(rows, &[("memberships.csv", memberships)]),
        ["identity `ann` alone satisfies 2 of 2 rows of gate `g`, for `vip`"]
    );
}

#[test]
fn a_group_of_one_is_that_one_and_a_group_of_nobody_is_nobody() {
    let memberships = |of_c: &str| format!("member,group\nann,a\nben,a\nann,b\nben,b\n{of_c}");
    let rows = "group:a,group:c,help_desk,g,\ngroup:b,group:c,manager_approval,g,\n";
    let said = |of_c: &str| single(rows, &[("memberships.csv", &memberships(of_c))]);
    let both = "identity `ann` (and each of 1 more) alone satisfies 2 of 2 rows of gate `g`";
    assert_eq!(said("vip,c\nann,c\n"), [both]);
    assert_eq!(said("vip,c\n"), [format!("{both}, for `vip`")]);
    // As it is when the rows name her.
    assert_eq!(
        said("ann,c\n"),
        ["identity `ben` alone satisfies 2 of 2 rows of gate `g`, for `ann`"]
    );
    assert_eq!(said("ann,c\ngone,c\n").len(), 1);
    assert!(said("gone,c\n").is_empty());
    assert!(said("").is_empty());
}

/// Groups of so many people, each beginning so many behind the one before.
fn crowds(groups: usize, size: usize, step: usize) -> String {
    let members = (0..groups).flat_map(|group| {
        let first = group * step;
        (first..first + size).map(move |at| format!("p{at:03},g{group}\n"))
    });
    std::iter::once("member,group\n".to_owned())
        .chain(members)
        .collect()
}

#[test]
fn people_in_two_large_groups_that_several_gates_ask() {
    let memberships = crowds(2, 40, 30);
    let rows = "group:g0,vip,help_desk,g,\ngroup:g1,vip,manager_approval,g,\n\
                group:g0,ben,help_desk,h,\ngroup:g1,ben,manager_approval,h,\n";
    let satisfied = |gate: &str, target: &str| {
        format!(
            "identity `p030` (and each of 9 more) alone satisfies 2 of 2 rows of gate `{gate}`, for `{target}`"
        )
    };
    assert_eq!(
        single(rows, &[("memberships.csv", &memberships)]),
        [satisfied("g", "vip"), satisfied("h", "ben")]
    );
}

#[test]
fn people_in_two_of_many_groups_of_a_gate() {
    // Five are in each two neighbours.
    let memberships = crowds(6, 20, 15);
    let rows: String = (0..6)
        .map(|group| format!("group:g{group},vip,help_desk,g,2\n"))
        .collect();
    assert_eq!(
        single(&rows, &[("memberships.csv", &memberships)]),
        [
            "identity `p015` (and each of 24 more) alone satisfies 2 of 6 rows of gate `g`, for `vip`"
        ]
    );
}

#[test]
fn people_in_a_large_group_that_reads_several_mailboxes() {
    let memberships = crowds(2, 40, 30);
    let mailboxes = "id,owner,delegates\nvip@x.example,vip,group:g0\nben@x.example,p035,group:g0\n";
    let rows = "vip@x.example,vip,email_link,g,\ngroup:g1,vip,manager_approval,g,\n\
                ben@x.example,ben,email_link,h,\ngroup:g1,ben,manager_approval,h,\n";
    let satisfied = |gate: &str, target: &str| {
        format!(
            "identity `p030` (and each of 9 more) alone satisfies 2 of 2 rows of gate `{gate}`, for `{target}`"
        )
    };
    let more = [
        ("memberships.csv", &*memberships),
        ("mailboxes.csv", mailboxes),
    ];
    assert_eq!(
        single(rows, &more),
        [satisfied("g", "vip"), satisfied("h", "ben")]
    );
}

#[test]
fn two_ways_to_one_row_of_many_are_one_row() {
    // Whoever owns a mailbox is in the group that reads it too.
    let memberships = crowds(6, 20, 20);
    let mailboxes: String = (0..6)
        .map(|group| format!("m{group}@x.example,p{:03},group:g{group}\n", group * 20))
        .collect();
    let mailboxes = format!("id,owner,delegates\n{mailboxes}");
    let rows: String = (0..6)
        .map(|group| format!("m{group}@x.example,vip,email_link,g,2\n"))
        .collect();
    let more = [
        ("memberships.csv", &*memberships),
        ("mailboxes.csv", &mailboxes),
    ];
    assert!(single(&rows, &more).is_empty());
}

#[test]
fn a_handset_that_holds_the_phone_and_the_app() {
    let bindings = (
        "mfa_bindings.csv",
        "identity,factor,holder\nvip,sms,+1 555 0100\nvip,push,handset\nben,sms,+1 555 0101\nben,push,ben-app\n",
    );
    let holdings = (
        "holdings.csv",
        "holder,asset\ndevice:handset,phone:+1 555 0100\nann,device:handset\n",
    );
    let rows = "own:phone,*,sms_code,reset,2\nown:device,*,authenticator,reset,2\n";
    assert_eq!(
        single(rows, &[bindings, holdings]),
        [
            "device `handset` (and each of 1 more) alone satisfies 2 of 2 rows of gate `reset`, for `vip`"
        ]
    );
    // In two hands it takes two.
    assert!(single(rows, &[bindings]).is_empty());
}

#[test]
fn everybody_with_a_handset_of_their_own() {
    // What restores somebody who has gone restores nobody.
    let bindings = (
        "mfa_bindings.csv",
        "identity,factor,holder\nvip,sms,+1 555 0100\nvip,push,zoo\nben,sms,+1 555 0101\nben,push,app\n\
         gone,sms,+1 555 0102\ngone,push,cell\n",
    );
    let holdings = (
        "holdings.csv",
        "holder,asset\ndevice:zoo,phone:+1 555 0100\ndevice:app,phone:+1 555 0101\n\
         device:cell,phone:+1 555 0102\nvip,device:zoo\nann,device:zoo\nben,device:app\n",
    );
    let rows = "own:phone,*,sms_code,reset,2\nown:device,*,authenticator,reset,2\n";
    // A handset is not said to recover anybody but its own, and ben's own account is no way to it.
    assert_eq!(
        single(rows, &[bindings, holdings]),
        [
            "device `app` alone satisfies 2 of 2 rows of gate `reset`, for `ben`; somebody does for each of 1 more"
        ]
    );
}

#[test]
fn operators_of_a_system_that_opens_both_but_not_the_system() {
    let holdings = ("holdings.csv", "holder,asset\nsystem:console,vault:safe\n");
    let systems = ("systems.csv", "id\nconsole\n");
    let grants = ("grants.csv", "principal,system\nann,console\n");
    let rows = "system:console,vip,admin_reset,g,\nvault:safe,vip,stored_secret,g,\n";
    assert_eq!(
        single(rows, &[holdings, systems, grants]),
        ["identity `ann` alone satisfies 2 of 2 rows of gate `g`, for `vip`"]
    );
}

#[test]
fn not_by_a_recovery_on_the_way() {
    let rows = "+1 555 0100,vip,sms_code,g,\nann,vip,recovery_contact,g,\nann,phone:+1 555 0100,carrier,,\n";
    assert!(single(rows, &[]).is_empty());
    let holdings = ("holdings.csv", "holder,asset\nann,phone:+1 555 0100\n");
    assert_eq!(
        single(rows, &[holdings]),
        ["identity `ann` alone satisfies 2 of 2 rows of gate `g`, for `vip`"]
    );
}

#[test]
fn two_of_three_by_any_two() {
    let rows = "ann,vip,recovery_contact,g,2\nben,vip,recovery_contact,g,2\nbox@x.example,vip,email_link,g,2\n";
    let mailboxes = "id,owner\nbox@x.example,ben\n";
    assert_eq!(
        single(rows, &[("mailboxes.csv", mailboxes)]),
        ["identity `ben` alone satisfies 2 of 3 rows of gate `g`, for `vip`"]
    );
    assert!(single(rows, &[("mailboxes.csv", "id,owner\nbox@x.example,vip\n")]).is_empty());
}

fn claims(process: &str, recoveries: &str) -> Vec<String> {
    let processes = format!("id,approvals,hold_hours\n{process}\n");
    let recoveries = format!("source,target,method,gate,process\n{recoveries}");
    let files = [
        PEOPLE,
        ("processes.csv", &*processes),
        ("recoveries.csv", &*recoveries),
    ];
    found(&files, &[], "claim-without-gate")
}

#[test]
fn claims_that_no_gate_keeps() {
    let alone = "ann,vip,help_desk,,desk\n";
    assert_eq!(
        claims("desk,1,", alone),
        ["process `desk` claims 1 approval, but a gate of it asks for none"]
    );
    assert_eq!(
        claims(
            "desk,2,4",
            "ann,vip,help_desk,g,desk\nben,vip,manager_approval,g,desk\n"
        ),
        [
            "process `desk` claims 2 approvals, but a gate of it asks for 1; it claims a hold of 4 hours, which no gate keeps"
        ]
    );
    let kept = "ann,vip,help_desk,g,desk\nben,vip,manager_approval,g,desk\n";
    assert!(claims("desk,1,0", kept).is_empty());
    assert!(claims("desk,0,", alone).is_empty());
    assert!(claims("manager,1,", "ann,vip,manager_approval,,manager\n").is_empty());
    // A code that the target reads itself approves nothing.
    assert_eq!(
        claims(
            "desk,1,",
            "ann,vip,manager_approval,g,desk\nown:phone,vip,sms_code,g,desk\n"
        )
        .len(),
        0
    );
    assert_eq!(
        claims(
            "desk,2,",
            "ann,vip,manager_approval,g,desk\nown:phone,vip,sms_code,g,desk\n"
        )
        .len(),
        1
    );
}

#[test]
fn what_the_assumptions_alone_give_and_critical_footholds() {
    let files = [
        PEOPLE,
        (
            "recoveries.csv",
            "source,target,method\nbox@home.example,vip,email_link\n",
        ),
        ("systems.csv", "id,criticality\nidp,0\n"),
        ("grants.csv", "principal,system\nvip,idp\n"),
    ];
    assert_eq!(
        found(&files, &[], "foothold-critical"),
        ["whoever controls the personal mailbox `box@home.example` unlocks `idp`"]
    );
    assert!(found(&files, &[], "baseline-loss").is_empty());
    assert_eq!(
        found(&files, &["mailbox-breach"], "baseline-loss"),
        ["the assumptions alone give `idp`: no identity is to blame for it"]
    );
}

#[test]
fn a_critical_foothold_names_every_row_of_its_chain() {
    let folder = Folder::new(&[
        PEOPLE,
        (
            "recoveries.csv",
            "source,target,method\nbox@home.example,vip,email_link\n",
        ),
        ("systems.csv", "id,criticality\nidp,0\n"),
        ("grants.csv", "principal,system\nvip,idp\n"),
    ]);
    let scanned = scan(&[folder.path()], &[], false);
    let finding = scanned
        .scan
        .findings
        .iter()
        .find(|finding| finding.code.word() == "foothold-critical")
        .unwrap();
    let rows: Vec<_> = finding
        .rows
        .iter()
        .map(|row| format!("{}:{}", row.table.word(), row.index))
        .collect();
    assert_eq!(rows, ["recoveries:0", "identities:2", "grants:0"]);
}

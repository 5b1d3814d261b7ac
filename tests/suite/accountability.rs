//! Who answers for each recovery process: owners and gaps, owners inside what they answer for, accounts
//! by tier, chains, and what the tiers demand that the process is not.

use serde_json::Value;

use crate::support::{Folder, linchpin};

fn processes(tables: &Folder) -> (Value, String) {
    let out = tempfile::tempdir().unwrap();
    let path = out.path().to_str().unwrap();
    linchpin(&["scan", tables.str(), "--quiet", "--out", path]).success();
    let read = |name: &str| std::fs::read_to_string(out.path().join(name)).unwrap();
    let document: Value = serde_json::from_str(&read("tiers.json")).unwrap();
    (document["processes"].clone(), read("accountability.csv"))
}

fn of<'a>(processes: &'a Value, id: &str) -> &'a Value {
    let mut all = processes.as_array().unwrap().iter();
    all.find(|one| one["id"] == id).unwrap()
}

fn tables() -> Folder {
    Folder::new(&[
        (
            "identities.csv",
            "id,kind,enabled,sign_in\nadm,admin,,password\nmid,,,password\nana,,,password\nbo,,,password\nkept,,,password\nold,,no,\nowner,,,password\n",
        ),
        (
            "memberships.csv",
            "member,group,access\nana,staff,\nbo,staff,\nold,staff,\nkept,safe,\nadm,safe,eligible\n",
        ),
        (
            "recoveries.csv",
            "source,target,method,restores,except,process\n\
             identity:ana,adm,help_desk,account,,desk\n\
             identity:bo,adm,email_link,account,,desk\n\
             identity:bo,mid,help_desk,,,desk\n\
             identity:mid,group:staff,sms_code,,,portal\n\
             ,*,security_questions,,group:safe,questions\n\
             identity:mid,owner,help_desk,account,,portal\n",
        ),
        (
            "processes.csv",
            "id,operator,policy_owner,proofing_owner,logging_owner,proofing,approvals,hold_hours,revokes_sessions,logged,escalation\n\
             desk,=Desk Ltd,Board,owner,,knowledge,1,24,yes,no,\n\
             portal,,owner,,,possession,,,yes,yes,\n\
             questions,,,,,,,,,,\n",
        ),
        ("systems.csv", "id,criticality\nidp,0\nwiki,2\n"),
        ("grants.csv", "principal,system\nadm,idp\nmid,wiki\n"),
    ])
}

#[test]
fn accounts_are_counted_by_tier_and_chains_by_process() {
    let (processes, _) = processes(&tables());
    // ana and bo reset adm, who has the worst; mid resets both of them. kept and owner have nothing.
    let told = |id: &str| {
        let one = of(&processes, id);
        (one["targets"].clone(), one["critical_chains"].clone())
    };
    assert_eq!(told("desk"), (serde_json::json!([2, 0, 0, 0]), 3.into()));
    assert_eq!(told("portal"), (serde_json::json!([2, 0, 0, 1]), 1.into()));
}

#[test]
fn owners_inside_and_gaps_are_told() {
    let (processes, csv) = processes(&tables());
    let portal = of(&processes, "portal");
    assert_eq!(portal["owners_inside"][0]["owner"], "owner");
    assert_eq!(portal["owners_inside"][0]["stage"], "policy");
    let desk = of(&processes, "desk");
    assert_eq!(desk["owners"][0]["owner"], "Board");
    assert_eq!(desk["owners"][2]["owner"], Value::Null);
    assert!(csv.contains("'=Desk Ltd"), "{csv}");
    let line = csv.lines().find(|line| line.starts_with("desk,")).unwrap();
    assert!(
        line.contains("approval; execution; logging; review"),
        "{line}"
    );
}

#[test]
fn what_the_tiers_demand_and_the_process_is_not() {
    let (processes, _) = processes(&tables());
    let unmet = |id: &str| -> Vec<(String, Value)> {
        let list = of(&processes, id)["unmet"].as_array().unwrap().clone();
        list.into_iter()
            .map(|one| {
                (
                    one["what"].as_str().unwrap().to_owned(),
                    one["accounts"].clone(),
                )
            })
            .collect()
    };
    let desk = unmet("desk");
    for what in [
        "proofing `knowledge`, needs `ial2`",
        "approvals 1, needs 2",
        "logged: no, needs yes",
        "no escalation, needs one",
    ] {
        assert!(
            desk.iter().any(|(told, _)| told == what),
            "{what}: {desk:?}"
        );
    }
    assert!(
        !desk.iter().any(|(told, _)| told.starts_with("hold")),
        "{desk:?}"
    );
    // One of its two ways is a link in a mail, which the strictest tier does not allow.
    assert!(
        desk.iter().any(|(told, _)| told.starts_with("not allowed")),
        "{desk:?}"
    );
    let questions = unmet("questions");
    let forbidden = questions
        .iter()
        .find(|(told, _)| told == "by security_questions, not allowed");
    assert!(forbidden.is_some(), "{questions:?}");
}

#[test]
fn whoever_is_left_out_of_everybody_is_not_counted() {
    let (processes, _) = processes(&tables());
    let all: u64 = of(&processes, "questions")["targets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|count| count.as_u64().unwrap())
        .sum();
    // Six are enabled; kept stands in the group that is left out, the eligible administrator does not.
    assert_eq!(all, 5, "{processes:#}");
}

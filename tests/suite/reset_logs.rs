//! `audit` of logs: whose resets they tell of, and which rows tell of one.

use serde_json::Value;

use crate::resets::{TABLES, audit, organisation};
use crate::support::{Folder, linchpin};

#[test]
fn logs_find_accounts_of_tables_by_alias_and_by_display_name() {
    let tables = Folder::new(&TABLES);
    tables.write("resets.csv", "id,time,identity,process\n");
    tables.write(
        "identities.csv",
        "id,kind,name,sign_in,aliases\n\
         kim@corp.example,admin,Kim Lee,password,S-1-5-21-1-2-3-1107;CORP\\klee\n\
         one@corp.example,,Same Name,password,\ntwo@corp.example,,Same Name,password,\n",
    );
    let events = r#"[{"Id":4724,"TimeCreated":"2026-03-01T10:00:00Z","MachineName":"dc1","RecordId":7,
        "TargetUserName":"klee","TargetDomainName":"CORP","TargetSid":"S-1-5-21-1-2-3-1107",
        "SubjectUserSid":"S-1-5-21-1-2-3-500","SubjectUserName":"root","SubjectDomainName":"CORP"}]"#;
    let incidents = "number,caller_id,opened_at,resolved_at,resolved_by,category,subcategory,short_description\n\
        INC1,Kim Lee,2026-03-01 09:00:00,2026-03-01 10:10:00,A. Gent,access,,Password reset\n\
        INC2,Same Name,2026-03-01 09:00:00,2026-03-01 10:10:00,A. Gent,access,,Password reset\n\
        INC3,Kim Lee,2026-03-01 09:00:00,2026-03-01 10:10:00,A. Gent,phone,,Reset desk phone to factory settings\n";
    tables.write("events.json", events);
    tables.write("incident.csv", incidents);
    let arguments = ["audit", tables.str(), "--quiet", "--format", "json"];
    let output = linchpin(&arguments).code(0);
    let told: Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
    // The ticket of Kim Lee tells of the event; nobody knows which of the two the other one is of.
    assert_eq!(
        (&told["resets"], &told["repeats"], &told["without_tier"]),
        (&3.into(), &1.into(), &1.into()),
        "{told:#}"
    );
    let kinds = told["violations"].to_string();
    assert!(!kinds.contains("not-logged"), "{kinds}");
}

#[test]
fn tickets_that_were_imported_before_find_the_same_accounts() {
    let tables = Folder::new(&TABLES);
    tables.write("resets.csv", "id,time,identity,process\n");
    tables.write(
        "identities.csv",
        "id,kind,name,sign_in\nkim@corp.example,admin,Kim Lee,password\nadm,admin,,password\nbot,,,password\n",
    );
    let tickets = Folder::new(&[(
        "incident.csv",
        "number,caller_id,opened_at,resolved_at,resolved_by,category,subcategory,short_description\n\
         INC1,Kim Lee,2026-03-01 09:00:00,2026-03-01 10:10:00,Kim Lee,access,,Password reset\n",
    )]);
    let imported = tickets.path().join("tables");
    let imported = imported.to_str().unwrap();
    linchpin(&["import", "servicenow-log", tickets.str(), "--out", imported]).code(0);
    let told = |more: &str| -> Value {
        let output =
            linchpin(&["audit", tables.str(), more, "--format", "json", "--quiet"]).code(0);
        serde_json::from_slice(&output.get_output().stdout).unwrap()
    };
    let (direct, before) = (told(tickets.str()), told(imported));
    assert_eq!(direct["without_tier"], 0);
    assert_eq!(direct["forecast"], before["forecast"]);
    let kinds = |audit: &Value| {
        let all = audit["violations"].as_array().unwrap().iter();
        all.map(|one| format!("{} {} {}", one["kind"], one["identity"], one["agent"]))
            .collect::<Vec<_>>()
    };
    assert!(!kinds(&direct).is_empty());
    assert_eq!(kinds(&direct), kinds(&before));
}

#[test]
fn resets_by_others_or_of_others_are_not_further_records_of_one() {
    let tables = Folder::new(&TABLES);
    tables.write("resets.csv", "id,time,identity,process\n");
    let event = |sid: u32, domain: &str, id: u32| {
        format!(
            r#"{{"Id":4724,"TimeCreated":"2026-03-01T10:00:00Z","MachineName":"dc","RecordId":{id},
            "TargetUserName":"admin","TargetDomainName":"{domain}","TargetSid":"S-1-5-21-{sid}",
            "SubjectUserSid":"S-1-5-21-9","SubjectUserName":"root","SubjectDomainName":"CORP"}}"#
        )
    };
    tables.write(
        "events.json",
        &format!("[{},{}]", event(1, "CORP", 1), event(2, "DEV", 2)),
    );
    let okta = |actor: &str, second: u32| {
        format!(
            r#"{{"uuid":"u{second}","published":"2026-03-01T10:0{second}:00.000Z","eventType":"user.account.update_password",
            "outcome":{{"result":"SUCCESS"}},"actor":{{"id":"{actor}","type":"User","alternateId":"{actor}"}},
            "target":[{{"id":"00u1","type":"User","alternateId":"ana"}}]}}"#
        )
    };
    tables.write(
        "system.json",
        &format!(
            "[{},{},{}]",
            okta("hd1", 0),
            okta("evil", 1),
            okta("hd1", 1)
        ),
    );
    let arguments = ["audit", tables.str(), "--quiet", "--format", "json"];
    let output = linchpin(&arguments).code(0);
    let told: Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
    assert_eq!(told["resets"], 4, "{told:#}");
}

#[test]
fn exports_that_overlap_tell_of_each_reset_once() {
    let tables = Folder::new(&TABLES);
    let aliased = TABLES[0].1.replace("sign_in\n", "sign_in,aliases\n");
    let aliased = aliased.replace(
        "ana,human,Quay,password\n",
        "ana,human,Quay,password,ana-alias\n",
    );
    let aliased = aliased.lines().map(|line| match line.matches(',').count() {
        3 => format!("{line},\n"),
        _ => format!("{line}\n"),
    });
    tables.write("identities.csv", &aliased.collect::<String>());
    let other = Folder::new(&[(
        "resets.csv",
        "id,time,identity,process,agent,restored\n\
         R1,2026-03-01T10:00:00Z,ana-alias,desk-call,desk,password\n\
         r2,2026-03-09T10:00:00Z,adm,desk-call,desk,password\n",
    )]);
    let arguments = [
        "audit",
        tables.str(),
        other.str(),
        "--format",
        "json",
        "--quiet",
    ];
    let output = linchpin(&arguments).code(0);
    let told: Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
    // `r2` is another one by its time.
    assert_eq!(told["resets"], 4);
}

#[test]
fn a_cloud_and_the_directory_behind_it_tell_of_one_reset() {
    let tables = organisation(
        "identity:adm,cloud-adm,ownership,account,,,hybrid/password-sync\n",
        "t1,2026-03-01T10:00:00Z,cloud-adm,way,desk,boss;ana,passport,ial2,password,2026-02-01T10:00:00Z\n\
         d1,2026-03-01T10:05:00Z,adm,administrator,desk,,,,password,\n",
    );
    tables.write(
        "identities.csv",
        "id,kind\nana,\nboss,\ndesk,help_desk\nadm,admin\ncloud-adm,admin\n",
    );
    tables.write("grants.csv", "principal,system\nadm,directory\n");
    let found = audit(&tables, &[]);
    assert_eq!(found["repeats"], 1, "{found:#}");
    assert!(!found["violations"].to_string().contains("not-logged"));
}

#[test]
fn what_a_later_export_says_of_a_ticket_counts_and_accounts_of_other_domains_are_others() {
    let tables = Folder::new(&TABLES);
    tables.write("resets.csv", "id,time,identity,process\n");
    tables.write(
        "identities.csv",
        "id,kind,aliases\njdoe@corp.x,,CORP\\jdoe;jdoe;S-1-5-21-1-2-3-1105\nadm,admin,\nbot,,\n",
    );
    let head = "number,caller_id,opened_at,resolved_at,resolved_by,category,subcategory,short_description\n";
    for (name, day) in [("inc1.csv", "02"), ("inc2.csv", "03")] {
        let row = format!(
            "INC2,jdoe,2026-03-01 09:00:00,2026-03-{day} 10:00:00,A. Gent,access,,Password reset\n"
        );
        tables.write(name, &format!("{head}{row}"));
    }
    let event = |sid: &str, domain: &str, id: u32| {
        format!(
            r#"{{"Id":4724,"TimeCreated":"2026-03-09T10:00:0{id}Z","MachineName":"dc","RecordId":{id},
            "TargetUserName":"jdoe","TargetDomainName":"{domain}","TargetSid":"{sid}",
            "SubjectUserSid":"S-1-5-21-9","SubjectUserName":"root","SubjectDomainName":"CORP"}}"#
        )
    };
    let (own, other) = (
        event("S-1-5-21-1-2-3-1105", "CORP", 1),
        event("S-1-5-21-9-9-9-1105", "OTHER", 2),
    );
    tables.write("events.json", &format!("[{own},{other}]"));
    let found = audit(&tables, &[]);
    // One ticket, two events, of which one is of nobody here.
    assert_eq!(
        (&found["resets"], &found["without_tier"]),
        (&3.into(), &1.into()),
        "{found:#}"
    );
}

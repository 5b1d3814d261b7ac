//! What a first reader of the importers broke them with: each a small export and the rows that must,
//! or must not, come of it.

use std::fs;
use std::path::Path;

use crate::support::{Folder, linchpin};

/// All tables of an import, as the lines of their files.
fn imported(source: &str, inputs: &[&Path], more: &[&str]) -> String {
    let out = tempfile::tempdir().unwrap();
    let to = out.path().join("tables");
    let mut arguments = vec!["import", source];
    arguments.extend(inputs.iter().map(|input| input.to_str().unwrap()));
    arguments.extend(["--out", to.to_str().unwrap()]);
    arguments.extend(more);
    linchpin(&arguments).success();
    let mut all = String::new();
    for file in fs::read_dir(to).unwrap() {
        all += &fs::read_to_string(file.unwrap().path()).unwrap();
    }
    all
}

fn of(source: &str, files: &[(&str, &str)], more: &[&str]) -> String {
    let folder = Folder::new(files);
    imported(source, &[folder.path()], more)
}

/// An object id.
fn id(number: u32) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

fn user(number: u32, login: &str, more: &str) -> String {
    let id = id(number);
    format!(
        r#"{{"id":"{id}","userPrincipalName":"{login}","mail":"{login}","accountEnabled":true{more}}}"#
    )
}

fn list(items: &[String]) -> String {
    format!(r#"{{"value":[{}]}}"#, items.join(","))
}

fn assigned(principal: u32, role: &str, scope: &str) -> String {
    let principal = id(principal);
    format!(
        r#"{{"id":"a","principalId":"{principal}","roleDefinitionId":"{role}","directoryScopeId":"{scope}"}}"#
    )
}

const HELPDESK: &str = "729827e3-9c14-49f7-bb1b-9608f156bbb8";

#[test]
fn files_named_one_by_one_are_one_export() {
    let users = list(&[user(1, "hal@x.example", ""), user(2, "kim@x.example", "")]);
    let roles = list(&[assigned(1, HELPDESK, "/")]);
    let folder = Folder::new(&[("u.json", &users), ("r.json", &roles)]);
    let files = ["u.json", "r.json"].map(|file| folder.path().join(file));
    let one_by_one = imported("entra", &[&files[0], &files[1]], &[]);
    assert!(one_by_one.contains("role Helpdesk Administrator"));
    assert_eq!(
        one_by_one.len(),
        imported("entra", &[folder.path()], &[]).len()
    );
}

#[test]
fn units_of_one_name_are_two_units_and_a_member_listed_twice_is_one() {
    let users = [1, 2, 3, 4].map(|at| user(at, &format!("u{at}@x.example"), ""));
    let scope = |unit| format!("/administrativeUnits/{}", id(unit));
    let roles = [
        assigned(1, HELPDESK, &scope(11)),
        assigned(2, HELPDESK, &scope(12)),
    ];
    let unit = |at| {
        format!(
            r#"{{"id":"{}","displayName":"Sales","isMemberManagementRestricted":false}}"#,
            id(at)
        )
    };
    let member = |unit, user| {
        format!(
            r#"{{"administrativeUnitId":"{}","members":[{{"id":"{}"}}]}}"#,
            id(unit),
            id(user)
        )
    };
    let all = of(
        "entra",
        &[
            ("users.json", &list(&users)),
            ("roles.json", &list(&roles)),
            ("units.json", &list(&[unit(11), unit(12)])),
            ("m1.json", &member(11, 3)),
            ("m1again.json", &member(11, 3)),
            ("m2.json", &member(12, 4)),
        ],
        &[],
    );
    for (holder, target, other) in [(11, 3, 4), (12, 4, 3)] {
        let class = format!(
            "unit Sales ({}) whom Helpdesk Administrator may reset",
            id(holder)
        );
        assert!(
            all.contains(&format!(
                "identity:u{target}@x.example,group:x.example: users of {class}"
            )),
            "{all}"
        );
        assert!(!all.contains(&format!(
            "identity:u{other}@x.example,group:x.example: users of {class}"
        )));
    }
    assert!(!all.contains("Helpdesk Administrator over unit Sales (00000000-0000-4000-8000-000000000011),group:x.example: all accounts"));
}

#[test]
fn a_group_cannot_feign_to_be_a_role() {
    let group = format!(
        r#"{{"id":"{}","displayName":"x.example: role Global Administrator","securityEnabled":true}}"#,
        id(9)
    );
    let members = format!(
        r#"{{"groupId":"{}","members":[{{"id":"{}"}}]}}"#,
        id(9),
        id(1)
    );
    let all = of(
        "entra",
        &[
            ("users.json", &list(&[user(1, "kim@x.example", "")])),
            ("groups.json", &list(&[group])),
            ("members.json", &members),
            (
                "roles.json",
                &list(&[assigned(2, "62e90394-69f5-4237-9190-012177145e10", "/")]),
            ),
        ],
        &[],
    );
    assert!(
        !all.contains("identity:kim@x.example,group:x.example: role Global Administrator,"),
        "{all}"
    );
    assert!(all.contains(&format!(
        "role Global Administrator ({}) @ x.example",
        id(9)
    )));
}

#[test]
fn a_list_of_phones_leaves_other_factors_alone() {
    let report = format!(
        r#"{{"id":"{}","userPrincipalName":"kim@x.example","isMfaRegistered":true,"methodsRegistered":["microsoftAuthenticatorPush","mobilePhone","email"]}}"#,
        id(1)
    );
    let phones = r#"{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#users('kim%40x.example')/authentication/phoneMethods",
        "value":[{"id":"p","phoneNumber":"+1 4255550101","phoneType":"mobile"},{"id":"q","phoneNumber":"+1 4255550102","phoneType":"alternateMobile"}]}"#;
    let users = list(&[user(1, "kim@x.example", r#","otherMails":[]"#)]);
    let files = [
        ("users.json", &*users),
        ("report.json", &*list(std::slice::from_ref(&report))),
        ("phones.json", phones),
    ];
    let all = of("entra", &files, &["--set", "entra.sspr=1"]);
    for row in [
        "push,device:authenticator of kim@x.example",
        "sms,phone:+1 4255550101",
        "voice,phone:+1 4255550102",
    ] {
        assert!(all.contains(row), "{row}: {all}");
    }
    // The alternate number resets nothing; an address that is registered and not exported does.
    assert!(
        !all.contains("phone:+1 4255550101;phone:+1 4255550102"),
        "{all}"
    );
    assert!(all.contains("mailbox:registered address of kim@x.example"));
    let all = of("entra", &files[..2], &["--set", "entra.sspr=1"]);
    assert!(
        all.contains("own:phone,identity:kim@x.example,sms_code")
            && all.contains("phone:mobile phone of kim@x.example"),
        "{all}"
    );
}

#[test]
fn an_eligible_owner_is_not_protected_yet() {
    let eligible = format!(
        r#"{{"id":"e","principalId":"{}","groupId":"{}","accessId":"owner","memberType":"direct"}}"#,
        id(2),
        id(9)
    );
    let group = format!(
        r#"{{"id":"{}","displayName":"T0","isAssignableToRole":true}}"#,
        id(9)
    );
    let all = of(
        "entra",
        &[
            (
                "users.json",
                &list(&[user(1, "hal@x.example", ""), user(2, "own@x.example", "")]),
            ),
            ("groups.json", &list(&[group])),
            ("pim.json", &list(&[eligible])),
            ("roles.json", &list(&[assigned(1, HELPDESK, "/")])),
        ],
        &[],
    );
    assert!(all.contains("group:x.example: role Helpdesk Administrator,group:x.example: all accounts,admin_reset,password"), "{all}");
}

#[test]
fn an_exporter_folder_may_lie_below_a_folder_named_by_an_id() {
    let tenant = id(77);
    let group = format!(
        r#"{{"id":"{}","displayName":"Desk","securityEnabled":true}}"#,
        id(9)
    );
    let person = user(1, "kim@x.example", "");
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in [
        (format!("{tenant}/Users/{0}/{0}.json", id(1)), &person),
        (format!("{tenant}/Groups/{0}/{0}.json", id(9)), &group),
        (
            format!("{tenant}/Groups/{}/Members/{1}/{1}.json", id(9), id(1)),
            &person,
        ),
    ] {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let all = imported("entra", &[folder.path()], &[]);
    assert!(
        all.contains("identity:kim@x.example,group:Desk @ x.example"),
        "{all}"
    );
}

fn sharphound(users: &str) -> String {
    format!(r#"{{"data":[{users}],"meta":{{"type":"users","version":6}}}}"#)
}

fn local(number: u32, name: &str) -> String {
    format!(
        r#"{{"ObjectIdentifier":"S-1-5-21-1-2-3-{number}","Properties":{{"name":"{name}@X.EXAMPLE","domain":"X.EXAMPLE","domainsid":"S-1-5-21-1-2-3","samaccountname":"{name}"}},"Aces":[]}}"#
    )
}

#[test]
fn what_is_written_back_is_a_gate_of_as_many_methods() {
    let more = r#","onPremisesSyncEnabled":true,"onPremisesSecurityIdentifier":"S-1-5-21-1-2-3-1101","otherMails":["kim@home.example"]"#;
    let report = format!(
        r#"{{"id":"{}","userPrincipalName":"kim@x.example","isMfaRegistered":true,"methodsRegistered":["microsoftAuthenticatorPush","hardwareOneTimePasscode"]}}"#,
        id(1)
    );
    let folder = Folder::new(&[
        ("users.json", &list(&[user(1, "kim@x.example", more)])),
        ("report.json", &list(&[report])),
        ("local.json", &sharphound(&local(1101, "KIM"))),
    ]);
    let all = imported("entra", &[folder.path()], &["--set", "entra.sspr=2"]);
    // The cloud account has the login; the one at home its domain's.
    assert!(all.contains("X.EXAMPLE\\KIM"), "{all}");
    for device in ["authenticator", "token"] {
        let row = format!("device:{device} of kim@x.example,identity:X.EXAMPLE\\KIM,authenticator");
        assert!(all.contains(&row), "{row}: {all}");
    }
    linchpin(&["check", folder.str(), "--set", "entra.sspr=2"]).success();
}

#[test]
fn another_identifier_is_another_account() {
    let more =
        r#","onPremisesSyncEnabled":true,"onPremisesSecurityIdentifier":"S-1-5-21-9-9-9-500""#;
    let folder = Folder::new(&[
        ("users.json", &list(&[user(1, "admin@x.example", more)])),
        ("local.json", &sharphound(&local(1106, "ADMIN"))),
    ]);
    let all = imported("entra", &[folder.path()], &[]);
    assert!(!all.contains("hybrid/password-sync"), "{all}");
    // Where the export does not say, the same login is taken for the same person, and that is said.
    let folder = Folder::new(&[
        ("users.json", &list(&[user(1, "admin@x.example", "")])),
        ("local.json", &sharphound(&local(1106, "ADMIN"))),
    ]);
    let all = imported("entra", &[folder.path()], &[]);
    assert!(
        all.contains("hybrid,process:hybrid/unknown-sync,synchronised,unknown"),
        "{all}"
    );
}

#[test]
fn groups_have_rights_as_groups() {
    let group = format!(
        r#"{{"id":"{}","displayName":"Fin","mail":"fin@x.example","securityEnabled":true}}"#,
        id(9)
    );
    let folder = Folder::new(&[
        ("users.json", &list(&[user(1, "cfo@x.example", "")])),
        ("groups.json", &list(&[group])),
        (
            "permissions.csv",
            "Identity,User,AccessRights,IsInherited,Deny\ncfo@x.example,fin@x.example,FullAccess,False,False\n",
        ),
    ]);
    let all = imported("entra", &[folder.path()], &[]);
    assert!(
        all.contains("group:Fin @ x.example,mailbox:cfo@x.example"),
        "{all}"
    );
    let groups = r#"{"data":[{"ObjectIdentifier":"S-1-5-21-1-2-3-1201","Properties":{"name":"DESK@X.EXAMPLE","domain":"X.EXAMPLE"},"Members":[],"Aces":[]}],"meta":{"type":"groups","version":6}}"#;
    let graph = r#"{"graph":{"nodes":[],"edges":[{"start":{"value":"S-1-5-21-1-2-3-1201"},"end":{"value":"S-1-5-21-1-2-3-1101"},"kind":"ForceChangePassword"}]}}"#;
    let folder = Folder::new(&[
        ("groups.json", groups),
        ("users.json", &sharphound(&local(1101, "KIM"))),
        ("graph.json", graph),
    ]);
    let all = imported("opengraph", &[folder.path()], &[]);
    assert!(
        all.contains("group:DESK@X.EXAMPLE,identity:KIM@X.EXAMPLE,admin_reset"),
        "{all}"
    );
}

#[test]
fn members_that_gam_finds_in_nested_groups_are_theirs() {
    let users =
        "primaryEmail,isAdmin,suspended\nkim@x.example,False,False\nlee@x.example,False,False\n";
    let members = "group,type,role,id,status,email,level,subgroup\n\
                   desk@x.example,USER,MEMBER,1,ACTIVE,kim@x.example,0,desk@x.example\n\
                   desk@x.example,GROUP,MEMBER,2,ACTIVE,in@x.example,0,desk@x.example\n\
                   desk@x.example,USER,MEMBER,3,ACTIVE,lee@x.example,1,in@x.example\n";
    let all = of(
        "google",
        &[("users.csv", users), ("members.csv", members)],
        &[],
    );
    for row in [
        "identity:kim@x.example,group:desk@x.example",
        "group:in@x.example,group:desk@x.example",
        "identity:lee@x.example,group:in@x.example",
    ] {
        assert!(all.contains(row), "{row}: {all}");
    }
    assert!(!all.contains("identity:lee@x.example,group:desk@x.example"));
}

#[test]
fn the_master_realm_is_over_all_and_names_are_of_a_realm() {
    let realm = |name: &str, users: &str| {
        format!(r#"{{"realm":"{name}","resetPasswordAllowed":true,"users":[{users}]}}"#)
    };
    let master = realm(
        "master",
        r#"{"id":"1","username":"admin","email":"a@m.example","enabled":true,"realmRoles":["admin"]},
           {"id":"2","username":"mgr","enabled":true,"clientRoles":{"corp-realm":["manage-users"]}}"#,
    );
    let corp = realm(
        "corp",
        r#"{"id":"3","username":"admin","email":"a@c.example","enabled":true}"#,
    );
    let all = of(
        "keycloak",
        &[("master-realm.json", &master), ("corp-realm.json", &corp)],
        &[],
    );
    for row in [
        "group:master: role corp-realm/manage-users,group:corp: all accounts,admin_reset,account",
        "group:master: role admin,system:Keycloak realm corp,admin",
        "mailbox:a@c.example,identity:admin@corp,email_link,password",
        "mailbox:a@m.example,identity:admin@master,email_link,password",
    ] {
        assert!(all.contains(row), "{row}: {all}");
    }
}

fn okta_user(provider: &str, question: bool) -> String {
    let question = if question {
        r#","recovery_question":{"question":"?"}"#
    } else {
        ""
    };
    format!(
        r#"[{{"id":"00u00000000000000001","status":"ACTIVE","profile":{{"login":"kim@x.example","email":"kim@x.example"}},
            "credentials":{{"provider":{{"type":"{provider}"}}{question}}}}}]"#
    )
}

fn policy(number: u32, provider: &str) -> String {
    format!(
        r#"{{"id":"00p0000000000000000{number}","type":"PASSWORD","status":"ACTIVE","priority":{number},
            "conditions":{{"people":{{"groups":{{"include":[]}}}},"authProvider":{{"provider":"{provider}"}}}},"settings":{{}}}}"#
    )
}

fn rules(number: u32, rules: &str) -> String {
    format!(r#"{{"policyId":"00p0000000000000000{number}","rules":[{rules}]}}"#)
}

fn rule(priority: u32, access: &str, network: &str, step_up: bool) -> String {
    format!(
        r#"{{"id":"r{priority}","priority":{priority},"status":"ACTIVE","type":"PASSWORD","conditions":{{"network":{{"connection":"{network}"}}}},
            "actions":{{"selfServicePasswordReset":{{"access":"{access}","requirement":{{"primary":{{"methods":["email"]}},"stepUp":{{"required":{step_up}}}}}}}}}}}"#
    )
}

#[test]
fn the_policy_and_the_rule_that_hold_are_those_of_the_user() {
    let policies = format!("[{},{}]", policy(1, "ACTIVE_DIRECTORY"), policy(2, "OKTA"));
    let reset = "mailbox:kim@x.example,identity:kim@x.example,email_link";
    let all = of(
        "okta",
        &[
            ("users.json", &okta_user("OKTA", false)),
            ("policies.json", &policies),
            ("r1.json", &rules(1, &rule(1, "DENY", "ANYWHERE", false))),
            ("r2.json", &rules(2, &rule(1, "ALLOW", "ANYWHERE", false))),
        ],
        &[],
    );
    assert!(
        all.contains(reset),
        "another provider's policy is not his: {all}"
    );
    let two = [
        rule(1, "DENY", "ZONE", false),
        rule(2, "ALLOW", "ANYWHERE", false),
    ]
    .join(",");
    let policies = format!("[{}]", policy(2, "OKTA"));
    let files = |rule: &str| {
        of(
            "okta",
            &[
                ("users.json", &okta_user("OKTA", false)),
                ("policies.json", &policies),
                ("r2.json", &rules(2, rule)),
            ],
            &[],
        )
    };
    assert!(
        files(&two).contains(reset),
        "a rule for a network leaves the others"
    );
    let first = [
        rule(1, "DENY", "ANYWHERE", false),
        rule(2, "ALLOW", "ANYWHERE", false),
    ]
    .join(",");
    assert!(
        !files(&first).contains(reset),
        "the first that matches decides"
    );
    // Factors that are not exported do not close the gate.
    let step = files(&rule(1, "ALLOW", "ANYWHERE", true));
    assert!(
        step.contains(reset) && step.contains("unknown-factors,step_up,unknown"),
        "{step}"
    );
}

/// A scan of a folder: standard error, and whether it went through.
fn scanned(files: &[(&str, &str)], more: &[&str]) -> (String, bool) {
    let folder = Folder::new(files);
    let out = folder.path().join("out");
    let arguments = ["scan", folder.str(), "--out", out.to_str().unwrap()];
    let run = crate::support::command()
        .args(arguments)
        .args(more)
        .output()
        .unwrap();
    (String::from_utf8(run.stderr).unwrap(), run.status.success())
}

/// An administrator's mail that goes to the person's mailbox is what this is all about.
#[test]
fn two_accounts_may_have_one_mailbox() {
    let users = list(&[
        user(1, "kim@x.example", ""),
        format!(
            r#"{{"id":"{}","userPrincipalName":"adm-kim@x.example","mail":"kim@x.example"}}"#,
            id(2)
        ),
    ]);
    let all = of("entra", &[("users.json", &users)], &[]);
    assert!(
        all.contains("mailbox:kim@x.example,identity:kim@x.example"),
        "{all}"
    );
    assert!(
        all.contains("identity:adm-kim@x.example,mailbox:kim@x.example"),
        "{all}"
    );
    let (said, is_done) = scanned(&[("users.json", &users)], &[]);
    assert!(is_done, "{said}");
}

#[test]
fn roles_without_members_are_not_known_and_an_empty_list_is() {
    let users = list(&[user(1, "kim@x.example", "")]);
    let role = format!(
        r#"{{"id":"{}","roleTemplateId":"62e90394-69f5-4237-9190-012177145e10","displayName":"Global Administrator"}}"#,
        id(5)
    );
    let all = of(
        "entra",
        &[("users.json", &users), ("roles.json", &list(&[role]))],
        &[],
    );
    assert!(all.contains("entra,,roles,unknown"), "{all}");
    let none = r#"{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#roleManagement/directory/roleEligibilityScheduleInstances","value":[]}"#;
    let all = of(
        "entra",
        &[("users.json", &users), ("eligible.json", none)],
        &[],
    );
    assert!(all.contains("entra,,eligible_roles,known"), "{all}");
}

#[test]
fn what_was_cut_off_or_refused_is_said() {
    let users = list(&[user(1, "kim@x.example", "")]);
    let csv =
        "Identity,User,AccessRights\nkim@x.example,lee@x.example,FullAccess\nkim@x.example,\"cut";
    let (said, is_done) = scanned(&[("users.json", &users), ("permissions.csv", csv)], &[]);
    assert!(
        !is_done && said.contains("never closed") && said.contains("Get-EXOMailboxPermission"),
        "{said}"
    );
    let ldif = "dn: CN=Kim,DC=x,DC=example\nobjectClass: user\nsAMAccountName: kim\n\ndn: CN=Lee,DC=x,DC=example\nsAMAcc";
    let (said, is_done) = scanned(&[("users.json", &users), ("directory.ldf", ldif)], &[]);
    assert!(
        !is_done && said.contains("not well-formed LDIF") && said.contains("ldifde"),
        "{said}"
    );
    let refusal = r#"{"error":{"code":"Authorization_RequestDenied","message":"no"}}"#;
    let (said, is_done) = scanned(&[("users.json", &users), ("roles.json", refusal)], &[]);
    assert!(
        is_done && said.contains("an error that an API answered"),
        "{said}"
    );
    let odd = r#"{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#users","value":[{"id":"a","userPrincipalName":"a@x.example"},7,"x"]}"#;
    let (said, _) = scanned(&[("users.json", odd)], &[]);
    assert!(said.contains("2 values where a record should be"), "{said}");
}

#[test]
fn standard_error_is_json_lines_where_that_was_asked_for() {
    let files = [("identities.csv", "id,kind\na,admn\nb,admin\n")];
    for more in [
        &["--format", "json"][..],
        &["--format", "json", "--keep-going"],
    ] {
        let (said, _) = scanned(&files, more);
        for line in said.lines() {
            assert!(
                serde_json::from_str::<serde_json::Value>(line).is_ok(),
                "{line}"
            );
        }
        assert!(said.lines().count() > 1, "{said}");
    }
}

#[test]
fn the_users_that_powershell_writes_are_read() {
    let csv = "Id,UserPrincipalName,DisplayName,Mail,AccountEnabled,UserType,OtherMails\n00000000-0000-4000-8000-000000000001,kim@x.example,Kim,kim@x.example,False,Member,System.String[]\n";
    let all = of("entra", &[("users.csv", csv)], &[]);
    assert!(all.contains("kim@x.example,,Kim,false"), "{all}");
    let (said, _) = scanned(&[("users.csv", csv)], &[]);
    assert!(
        said.contains("holds the name of a type instead of values"),
        "{said}"
    );
}

/// The anchor of a synchronised account is the GUID of the one it is made of.
#[test]
fn accounts_are_joined_by_their_immutable_id() {
    let ldif = fs::read_to_string("tests/exports/ldif/directory.ldf").unwrap();
    let joined = |anchor: &str| {
        let more = format!(r#","onPremisesSyncEnabled":true,"onPremisesImmutableId":"{anchor}""#);
        let users = list(&[user(1, "kim@cloud.example", &more)]);
        let all = of("entra", &[("users.json", &users), ("d.ldf", &ldif)], &[]);
        all.contains("identity:KLEE@CORP.EXAMPLE,identity:kim@cloud.example,ownership")
    };
    assert!(joined("MyIRAFVEd2aImaq7zN3u/w=="));
    assert!(!joined("AAAAAAAAAAAAAAAAAAAAAA=="));
}

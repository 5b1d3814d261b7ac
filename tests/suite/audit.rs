//! `audit`: a year of resets with planted violations of every kind, each beside a twin that just obeys.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::Value;

use crate::support::{Folder, linchpin};

/// Seconds since 1970 of the first day of the year.
const START: i64 = 1_767_225_600;
const HOUR: i64 = 3600;

fn time(seconds: i64) -> String {
    jiff::Timestamp::from_second(START + seconds)
        .unwrap()
        .to_string()
}

/// A reset as the tables have it.
#[derive(Clone)]
struct Reset {
    id: String,
    at: i64,
    identity: String,
    process: &'static str,
    agent: String,
    approvers: Vec<String>,
    evidence: &'static str,
    proofing: &'static str,
    restored: &'static str,
    sessions: &'static str,
    /// How long it waited; nothing when that is not on record.
    waited: Option<i64>,
}

/// The year: resets that obey, and what was planted among them.
#[derive(Default)]
struct Year {
    resets: Vec<Reset>,
    signals: String,
    /// Kind and ids of the resets.
    planted: BTreeSet<(String, Vec<String>)>,
    accounts: usize,
}

impl Year {
    /// A reset of an account of its own that obeys whatever tier 0 demands.
    fn good(&mut self) -> Reset {
        let number = self.resets.len();
        self.accounts += 1;
        Reset {
            id: format!("r{number}"),
            // Far enough from the next one by the same agent.
            at: number as i64 * 400 + 48 * HOUR,
            identity: format!("top{}", self.accounts),
            process: "careful",
            agent: format!("agent{}", number % 50),
            approvers: vec!["boss1".to_owned(), "boss2".to_owned()],
            evidence: "passport",
            proofing: "ial2",
            restored: "password",
            sessions: "true",
            waited: Some(24 * HOUR),
        }
    }

    fn add(&mut self, change: impl FnOnce(&mut Reset)) -> String {
        let mut reset = self.good();
        change(&mut reset);
        let id = reset.id.clone();
        self.resets.push(reset);
        id
    }

    fn plant(&mut self, kind: &str, change: impl FnOnce(&mut Reset)) {
        let id = self.add(change);
        self.planted.insert((kind.to_owned(), vec![id]));
    }

    fn signal(&mut self, identity: &str, seen: i64) {
        let _ = writeln!(self.signals, "{identity},phishing,{}", time(seen));
    }

    /// One planted violation of every kind, and the nearest thing to it that obeys.
    fn plant_all(&mut self) {
        self.plant("proofing-too-weak", |reset| reset.proofing = "ial1");
        self.add(|reset| reset.proofing = "ial3");
        self.plant("evidence-missing", |reset| {
            (reset.process, reset.proofing) = ("silent", "");
        });
        self.add(|reset| reset.process = "silent");
        self.plant("evidence-missing", |reset| reset.waited = None);
        self.plant("evidence-missing", |reset| {
            (reset.process, reset.sessions) = ("silent", "");
        });
        self.plant("evidence-contradictory", |reset| reset.waited = Some(-1));
        self.plant("evidence-contradictory", |reset| {
            (reset.process, reset.proofing) = ("proven", "ial3");
        });
        self.add(|reset| (reset.process, reset.proofing) = ("proven", "ial2"));
        self.plant("approvals-missing", |reset| reset.approvers.truncate(1));
        // Two spellings of one person are one approval.
        self.plant("approvals-missing", |reset| {
            reset.approvers = vec!["boss1".to_owned(), "BOSS1".to_owned()];
        });
        self.plant("approval-by-agent", |reset| {
            reset.approvers[1] = reset.agent.clone()
        });
        // Two others approved as well: the agent's word does no harm.
        self.add(|reset| reset.approvers.push(reset.agent.clone()));
        self.plant("approval-by-requester", |reset| {
            reset.approvers[1] = reset.identity.clone();
        });
        self.add(|reset| reset.approvers.push(reset.identity.clone()));
        self.plant("approver-of-wrong-kind", |reset| {
            reset.approvers[1] = "robot".to_owned()
        });
        self.plant("approver-of-wrong-kind", |reset| {
            reset.approvers[1] = "stranger".to_owned()
        });
        self.add(|reset| reset.approvers.push("robot".to_owned()));
        self.plant("approver-in-chain", |reset| {
            reset.approvers[1] = "under".to_owned()
        });
        self.add(|reset| reset.approvers[1] = "beside".to_owned());
        self.plant("hold-cut-short", |reset| reset.waited = Some(24 * HOUR - 1));
        self.add(|reset| reset.waited = Some(24 * HOUR));
        self.plant("sessions-not-revoked", |reset| reset.sessions = "false");
        self.plant("sessions-not-revoked", |reset| {
            (reset.process, reset.sessions) = ("leaving", "");
        });
        self.add(|reset| reset.process = "leaving");
        self.plant("not-logged", |reset| reset.process = "unlogged");
        self.plant("process-not-allowed", |reset| {
            (reset.process, reset.evidence) = ("portal", "");
        });
        self.add(|reset| reset.process = "careful");
        self.plant("process-not-allowed", |reset| {
            reset.process = "nobody-knows"
        });
        self.plant_patterns();
    }

    fn plant_patterns(&mut self) {
        // Password and factor of one account within a day, and a second more.
        for apart in [24 * HOUR - 1, 24 * HOUR] {
            let first = self.add(|_| {});
            let (identity, at) = self
                .resets
                .last()
                .map(|one| (one.identity.clone(), one.at))
                .unwrap();
            let second = self.add(|reset| {
                (reset.identity, reset.at, reset.restored) = (identity, at + apart, "mfa");
            });
            if apart < 24 * HOUR {
                self.planted
                    .insert(("password-and-factor".to_owned(), vec![first, second]));
            }
        }
        // Twice a password is no pair.
        self.add(|_| {});
        let (identity, at) = self
            .resets
            .last()
            .map(|one| (one.identity.clone(), one.at))
            .unwrap();
        self.add(|reset| (reset.identity, reset.at) = (identity, at + HOUR));
        // Ten within an hour, and nine, and ten of which the last is a second late.
        for (agent, count, apart) in [("fast", 10, 399), ("quick", 9, 100), ("slow", 10, 400)] {
            let mut ids = Vec::new();
            let begin = 200 * 24 * HOUR;
            for at in 0..count {
                ids.push(self.add(|reset| {
                    (reset.agent, reset.at) = (agent.to_owned(), begin + at * apart);
                }));
            }
            if agent == "fast" {
                self.planted.insert(("burst".to_owned(), ids));
            }
        }
        // A signal in the second of the reset, one a second too old, and one that came after.
        for (ago, is_open) in [
            (0, true),
            (90 * 24 * HOUR - 1, true),
            (90 * 24 * HOUR, false),
            (-1, false),
        ] {
            let id = self.add(|reset| reset.at = 300 * 24 * HOUR + ago.abs() % 1000);
            let (identity, at) = self
                .resets
                .last()
                .map(|one| (one.identity.clone(), one.at))
                .unwrap();
            self.signal(&identity, at - ago);
            if is_open {
                self.planted.insert(("open-signal".to_owned(), vec![id]));
            }
        }
    }

    fn tables(&self) -> Folder {
        let mut identities = String::from("id,kind,department,sign_in\n");
        for name in ["boss1", "boss2", "beside", "under"] {
            let _ = writeln!(identities, "{name},human,Board,password");
        }
        identities += "robot,service,,password\n";
        for number in 0..50 {
            let _ = writeln!(identities, "agent{number},help_desk,Desk,password");
        }
        for name in ["fast", "quick", "slow"] {
            let _ = writeln!(identities, "{name},help_desk,Desk,password");
        }
        let mut memberships = String::from("member,group\n");
        for number in 1..=self.accounts {
            let _ = writeln!(
                identities,
                "top{number},admin,Dept {},password+mfa",
                number % 7
            );
            let _ = writeln!(memberships, "top{number},tops");
        }
        // Whoever has an account of the top resets `under`.
        let recoveries = "source,target,method,restores,process\n\
            ,group:tops,help_desk,password,careful\n\
            ,group:tops,help_desk,password,silent\n\
            ,group:tops,help_desk,password,proven\n\
            ,group:tops,help_desk,password,leaving\n\
            ,group:tops,help_desk,password,unlogged\n\
            own:mailbox,group:tops,email_link,password,portal\n\
            group:tops,under,admin_reset,account,careful\n";
        let processes = "id,policy_owner,approval_owner,proofing,revokes_sessions,logged\n\
            careful,boss1,boss2,,,true\n\
            silent,boss1,,,,true\n\
            proven,boss1,,ial2,true,true\n\
            leaving,boss1,,,false,true\n\
            unlogged,boss1,,,true,false\n\
            portal,boss1,,,true,true\n";
        let mut resets = String::from(
            "id,time,identity,process,agent,approvers,evidence,proofing,restored,sessions_revoked,requested\n",
        );
        for one in &self.resets {
            let requested = one.waited.map(|waited| time(one.at - waited));
            let _ = writeln!(
                resets,
                "{},{},{},{},{},{},{},{},{},{},{}",
                one.id,
                time(one.at),
                one.identity,
                one.process,
                one.agent,
                one.approvers.join(";"),
                one.evidence,
                one.proofing,
                one.restored,
                one.sessions,
                requested.unwrap_or_default()
            );
        }
        Folder::new(&[
            ("identities.csv", &identities),
            ("memberships.csv", &memberships),
            ("recoveries.csv", recoveries),
            ("processes.csv", processes),
            ("resets.csv", &resets),
            (
                "signals.csv",
                &format!("identity,signal,seen\n{}", self.signals),
            ),
            ("systems.csv", "id,criticality\ndirectory,0\n"),
            ("grants.csv", "principal,system\ngroup:tops,directory\n"),
        ])
    }
}

/// What an audit finds: kind and ids.
fn found(told: &Value) -> BTreeSet<(String, Vec<String>)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let violations = told["violations"].as_array().unwrap().iter();
    violations
        .map(|one| {
            let resets = one["resets"].as_array().unwrap().iter();
            (text(&one["kind"]), resets.map(text).collect())
        })
        .collect()
}

fn audit(tables: &Folder, more: &[&str], code: i32) -> Value {
    let arguments = ["audit", tables.str(), "--format", "json", "--quiet"];
    let output = linchpin(&[&arguments[..], more].concat()).code(code);
    serde_json::from_slice(&output.get_output().stdout).unwrap()
}

#[test]
fn every_planted_violation_is_found_and_none_invented() {
    let mut one = Year::default();
    one.plant_all();
    while one.resets.len() < 50_000 {
        one.add(|_| {});
    }
    let told = audit(&one.tables(), &[], 0);
    let kinds: BTreeSet<&String> = one.planted.iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds.len(), 15, "every kind is planted");
    let found = found(&told);
    let (lost, invented): (Vec<_>, Vec<_>) = (
        one.planted.difference(&found).collect(),
        found.difference(&one.planted).take(20).collect(),
    );
    assert!(
        lost.is_empty() && invented.is_empty(),
        "lost {lost:?}, invented {invented:?}"
    );
    assert_eq!(told["resets"], 50_000);
    // The forecast of the same tiers finds the same resets hard, and the one that cannot have waited.
    let is_about_demands = |kind: &str| {
        kind.starts_with("appro")
            || [
                "proofing-too-weak",
                "evidence-missing",
                "hold-cut-short",
                "sessions-not-revoked",
                "process-not-allowed",
            ]
            .contains(&kind)
    };
    let planted = one.planted.iter();
    let hard = planted.filter(|(kind, _)| is_about_demands(kind));
    let mut hard: BTreeSet<&String> = hard.flat_map(|(_, ids)| ids).collect();
    hard.extend(
        one.resets
            .iter()
            .filter(|one| one.waited == Some(-1))
            .map(|one| &one.id),
    );
    assert_eq!(told["forecast"][0]["all"]["harder"], hard.len());
}

/// Tickets and the records of directories.
fn records(year: &mut Year) -> BTreeSet<(String, Vec<String>)> {
    let (mut planted, mut pairs) = (BTreeSet::new(), BTreeSet::new());
    let last = |year: &Year| {
        let one = year.resets.last().unwrap();
        (one.identity.clone(), one.at)
    };
    fn record<'r>(
        identity: &'r str,
        at: i64,
        restored: &'static str,
    ) -> impl FnOnce(&mut Reset) + 'r {
        move |reset| {
            (reset.identity, reset.at, reset.restored) = (identity.to_owned(), at, restored);
            (reset.process, reset.proofing, reset.evidence) = ("administrator", "", "");
            (reset.sessions, reset.waited) = ("", None);
            reset.approvers.clear();
        }
    }
    let all = ["not-logged", "approvals-missing", "evidence-missing"];
    let mut plant = |kinds: &[&str], id: String| {
        for kind in kinds {
            planted.insert(((*kind).to_owned(), vec![id.clone()]));
        }
    };
    // Two hours before or after its ticket, and a second more.
    for (apart, is_same) in [(7200, true), (-7200, true), (7201, false), (-7201, false)] {
        year.add(|_| {});
        let (identity, at) = last(year);
        let agent = year.resets.last().unwrap().agent.clone();
        let one = record(&identity, at + apart, "password");
        let id = year.add(|reset| {
            one(reset);
            reset.agent = agent;
        });
        if !is_same {
            plant(&all, id);
        }
    }
    // A ticket of the password says nothing of the factor.
    year.add(|_| {});
    let (identity, at) = last(year);
    let id = year.add(record(&identity, at, "mfa"));
    plant(&all, id.clone());
    let ticket = year.resets[year.resets.len() - 2].id.clone();
    pairs.insert(("password-and-factor".to_owned(), vec![ticket, id]));
    // What the directory knows of sessions, the ticket need not say.
    year.add(|reset| (reset.process, reset.sessions) = ("silent", ""));
    let (identity, at) = last(year);
    let agent = year.resets.last().unwrap().agent.clone();
    let one = record(&identity, at + 60, "password");
    year.add(|reset| {
        one(reset);
        reset.agent = agent;
        reset.sessions = "true";
    });
    // Two directories of one reset are told once, and apart when they are further apart or when somebody
    // else acted; a service is the other directory.
    for (apart, agent, is_same) in [
        (120, "agent1", true),
        (120, "MSOL_4f2", true),
        (120, "robot", true),
        (120, "agent2", false),
        (120, "a stranger", false),
        (121, "agent1", false),
    ] {
        let (identity, at) = {
            let free = year.good();
            (free.identity, free.at)
        };
        let mut by = |at: i64, agent: &str| {
            let one = record(&identity, at, "password");
            year.add(|reset| {
                one(reset);
                reset.agent = agent.to_owned();
            })
        };
        let (first, second) = (by(at, "agent1"), by(at + apart, agent));
        plant(&all, first);
        if !is_same {
            plant(&all, second);
        }
    }
    // A ticket tells of one reset: the one by its agent, else the nearest.
    let ticket = year.add(|_| {});
    let (identity, at) = last(year);
    let agent = year.resets.last().unwrap().agent.clone();
    for (apart, agent, is_told) in [
        (300, "agent2", false),
        (6000, &*agent, true),
        (-6000, "agent3", false),
    ] {
        let one = record(&identity, at + apart, "password");
        let id = year.add(|reset| {
            one(reset);
            reset.agent = agent.to_owned();
        });
        if !is_told {
            plant(&all, id);
        }
    }
    assert_ne!(agent, "agent2", "{ticket}");
    // Two tickets and two records of one agent: each finds one, although the nearest pair would leave two.
    let first = year.good();
    for (at, is_record) in [(0, false), (3000, true), (3600, false), (7800, true)] {
        let one = record(&first.identity, first.at + at, "password");
        year.add(|reset| {
            if is_record {
                one(reset);
            } else {
                (reset.identity, reset.at) = (first.identity.clone(), first.at + at);
            }
            reset.agent = "agent9".to_owned();
        });
    }
    // Somebody else did what the ticket tells.
    let ticket = year.add(|reset| reset.agent = "agent4".to_owned());
    let (identity, at) = last(year);
    let one = record(&identity, at, "password");
    year.add(|reset| {
        one(reset);
        reset.agent = "agent5".to_owned();
    });
    plant(&["evidence-contradictory"], ticket);
    // Long after the last ticket: it may have been exported to here only.
    let id = year.add(|reset| {
        let identity = reset.identity.clone();
        record(&identity, 360 * 24 * HOUR, "password")(reset);
    });
    plant(&all[1..], id);
    planted.extend(pairs);
    planted
}

#[test]
fn a_ticket_and_the_record_of_a_directory_are_one_reset() {
    let mut year = Year::default();
    let planted = records(&mut year);
    let told = audit(&year.tables(), &[], 0);
    assert_eq!(found(&told), planted);
    assert_eq!(told["repeats"], 10);
}

//! The run-book beside an export: what to do with the files, in which order, with which rights, and how
//! to take it back.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::{Account, Form, Made, Names, google};
use crate::model::{TIERS, Word};
use crate::report::{code, visible};

/// What is to be known of a form.
struct Guide {
    /// What the files are for.
    about: &'static str,
    /// What the tool does with a tier in this form.
    enforces: &'static str,
    /// Steps, in their order; removals come first, so that nobody is in two tiers for long.
    steps: &'static [&'static str],
    /// The rights that the steps need.
    rights: &'static str,
    /// How to take it back.
    undo: &'static str,
}

fn guide(form: Form) -> Guide {
    match form {
        Form::EntraGroup => Guide {
            about: "Members of one security group per tier, for the bulk operations of the Entra admin center.",
            enforces: "A LABEL ONLY, unless something goes by the groups: a role-assignable group lets only Privileged Authentication Administrators and Global Administrators reset its members; a policy of self-service reset can be limited to a group.",
            steps: &[
                "Create the group of each tier once, role-assignable for tiers 0 and 1 (that cannot be changed later).",
                "Groups > the group > Members > Bulk operations > Remove members: each `tier-N-remove-*.csv`.",
                "Bulk operations > Import members: each `tier-N-add-*.csv`. A single member comes as `tier-N-add.json`: PATCH /v1.0/groups/{id}, because the portal takes no list of one.",
                "Wait for each job and read its result file before the next one.",
            ],
            rights: "Groups Administrator; for role-assignable groups Privileged Role Administrator (RoleManagement.ReadWrite.Directory).",
            undo: "Import the `remove` list as members and remove the `add` list, or delete the groups.",
        },
        Form::EntraAu => Guide {
            about: "Requests for one restricted management administrative unit per tier.",
            enforces: "ENFORCED: only administrators with a role scoped to the unit change or reset its members, tenant-wide ones do not. Somebody with a scoped role must exist, or nobody resets them.",
            steps: &[
                "Create each unit once: POST /v1.0/directory/administrativeUnits with `tier-N-unit.json`. Being restricted cannot be changed later; at most 100 such units are allowed.",
                "Assign a reset role scoped to each unit: POST /v1.0/roleManagement/directory/roleAssignments with directoryScopeId /administrativeUnits/{id}.",
                "Put the id of each unit where the requests say so (or export again with --group-id N=ID).",
                "Send each line of `tier-N-remove.jsonl`, then of `tier-N-add.jsonl`, to POST /v1.0/$batch, and read the status of every response: the batch itself says 200 whatever failed.",
            ],
            rights: "Privileged Role Administrator, AdministrativeUnit.ReadWrite.All.",
            undo: "DELETE the members with /$ref as `tier-N-remove.jsonl` does (without /$ref the request deletes the USER), or delete the unit: protection ends within 30 minutes.",
        },
        Form::EntraAttribute => Guide {
            about: "Requests that set the custom security attribute HelpDesk_ResetTier.",
            enforces: "A LABEL ONLY: reset roles do not look at it. Conditional access and your own tools can.",
            steps: &[
                "Define the attribute set HelpDesk with the text attribute ResetTier once.",
                "Send each line of `attributes.jsonl` to POST /v1.0/$batch, and read the status of every response.",
            ],
            rights: "Attribute Assignment Administrator (Global Administrators have no right to it by default), CustomSecAttributeAssignment.ReadWrite.All, User.Read.All.",
            undo: "Send the same requests with `null`.",
        },
        Form::OktaGroup => Guide {
            about: "Requests and a list for one Okta group per tier.",
            enforces: "ENFORCED where policies and roles go by the groups: give each group its own password policy (self-service reset off for tier 0), and limit help-desk roles to groups that leave it out. A help desk that may reset all users still may.",
            steps: &[
                "Create the groups once (Okta groups; groups of applications and directories cannot be filled by hand).",
                "Put their ids where the requests say so (or export again with --group-id N=ID).",
                "Send the requests of `requests.jsonl` in their order: first out of old tiers, then into new ones. Where one has `find`, GET that first and put the id into the path. `members.csv` lists those who enter, for a workflow or by hand; who leaves is in the requests alone.",
            ],
            rights: "Group Membership Administrator of these groups, or okta.groups.manage.",
            undo: "Send the requests with PUT and DELETE exchanged.",
        },
        Form::OktaProfile => Guide {
            about: "Requests that set `resetTier` of the user profile.",
            enforces: "A LABEL ONLY, until a group rule goes by it: user.resetTier==\"T0\".",
            steps: &[
                "Add the attribute resetTier to the user profile once; read-only for the user, or people set it themselves.",
                "Send the requests of `requests.jsonl` as POST: PUT would empty the rest of the profile.",
                "Make a group rule per tier, and activate it: new rules are inactive.",
            ],
            rights: "okta.users.manage; okta.schemas.manage and okta.groups.manage for the first and last step.",
            undo: "Send the same requests with `null`. That `null` empties an attribute of a profile is common practice, not documented: try it on one user.",
        },
        Form::Servicenow => Guide {
            about: "Records for an import set into sys_user, and group memberships for Password Reset.",
            enforces: "The field u_reset_tier is A LABEL ONLY. ENFORCED where the Password Reset processes go by the groups: untick \"Apply to all users\" and relate each process to the groups of the tiers that it is for.",
            steps: &[
                "Add the columns u_reset_tier, u_reset_tier_reason, u_reset_tier_hash, u_reset_tier_date to sys_user and to a staging table once; a transform map coalesces on user_name. Let it ignore what it would insert (onBefore: `if (action == 'insert') ignore = true;`): an account that is gone would come back. `none` in u_reset_tier takes a tier away; an empty cell would leave it.",
                "Load `users.csv` into the staging table, or send each `insert-multiple-N.json` to POST /api/now/import/{staging table}/insertMultiple. Its keys are column labels: label the columns as they are named, or set the mapping to column names; else rows stay empty without an error.",
                "Create the groups once. Remove the rows of `group-members-remove.csv` from sys_user_grmember, then import `group-members-add.csv`.",
            ],
            rights: "import_admin, user_admin.",
            undo: "Load the records of the export before this one again.",
        },
        Form::GoogleOu => Guide {
            about: "Which organisational unit each account belongs into, for GAM.",
            enforces: "ENFORCED: recovery settings and help-desk roles go by units. A unit brings ALL its settings with it; prefer google-group where you can.",
            steps: &[
                "Create the units once, and copy every setting that people there must keep.",
                "gam csv units.csv gam update user \"~primaryEmail\" ou \"~ou\"",
            ],
            rights: "User management (Users > Update > Move users).",
            undo: "Whoever leaves all tiers is moved to `/`, not to the unit before: keep a list of today's units (gam print users ou) and apply it.",
        },
        Form::GoogleGroup => Guide {
            about: "Members of one group per tier, for GAM.",
            enforces: "ENFORCED where account recovery settings go by a configuration group; help-desk roles do not go by groups.",
            steps: &[
                "Create the groups once.",
                "gam update group TIER-N-GROUP remove csvfile tier-N-remove.csv:email",
                "gam update group TIER-N-GROUP add member csvfile tier-N-add.csv:email",
                "Never `sync`: it removes everybody who is not in the file. `preview` shows what would be done.",
            ],
            rights: "Groups Administrator.",
            undo: "Exchange the files of `add` and `remove`.",
        },
        Form::Scim => Guide {
            about: "PATCH requests for any service with SCIM 2.0.",
            enforces: "A LABEL ONLY, unless the service goes by the attribute.",
            steps: &[
                "Define the extension urn:ietf:params:scim:schemas:extension:recovery:2.0:User with resetTier once.",
                "Where a request has `find`, ask that first and put the id into the path.",
                "Send `body` with Content-Type application/scim+json.",
            ],
            rights: "A token that writes users.",
            undo: "Send the operation `remove` for the same path.",
        },
        Form::Csv => Guide {
            about: "A table for a change board.",
            enforces: "NOTHING: it is for people.",
            steps: &["Read it, decide, and export to the tool that enforces."],
            rights: "None.",
            undo: "Nothing to undo.",
        },
    }
}

/// The run-book of an export, in Markdown. `is_delta` when only what changed is in it.
#[must_use]
pub fn runbook(
    form: Form,
    accounts: &[Account],
    made: &Made,
    names: &Names,
    is_delta: bool,
) -> String {
    let guide = guide(form);
    let left_out: BTreeSet<&str> = made.left_out.iter().map(|(id, _)| &**id).collect();
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "# Reset tiers to {}\n\n{}\n",
        form.word(),
        guide.about
    );
    let _ = writeln!(text, "{}\n", guide.enforces);
    let kind = if is_delta && form != Form::Csv {
        "What changed since the last export"
    } else {
        "All of them"
    };
    let _ = writeln!(
        text,
        "{kind}:\n\n| tier | group or unit | enter | leave |\n|---:|---|---:|---:|"
    );
    for tier in 0..TIERS as u8 {
        let told = || accounts.iter().filter(|one| !left_out.contains(&*one.id));
        let count = |is: &dyn Fn(&Account) -> bool| told().filter(|one| is(one)).count();
        let enter = count(&|one| one.now == Some(tier) && one.before != Some(tier));
        let leave = count(&|one| one.before == Some(tier) && one.now != Some(tier));
        let name = match form {
            Form::GoogleOu => google::unit(names, tier),
            _ => names.of(tier),
        };
        let name = name.replace('|', "\\|");
        let _ = writeln!(text, "| {tier} | {name} | {enter} | {leave} |");
    }
    if made.files.is_empty() {
        text.push_str(if made.left_out.is_empty() {
            "\nNothing is to be done.\n"
        } else {
            "\nNothing can be done by files; see what was left out.\n"
        });
    } else {
        text.push_str("\n## Steps\n\n");
        for (at, step) in guide.steps.iter().enumerate() {
            let _ = writeln!(text, "{}. {step}", at + 1);
        }
        text.push_str("\n## Files\n\n");
        for file in &made.files {
            let _ = writeln!(text, "- `{}`", file.name);
        }
    }
    let _ = writeln!(
        text,
        "\n## Rights\n\n{}\n\n## To undo\n\n{}",
        guide.rights, guide.undo
    );
    if !made.left_out.is_empty() {
        let _ = writeln!(
            text,
            "\n## Left out\n\nThe tool is not told of these, and the next export names them again: {}.\n",
            made.left_out.len()
        );
        for (name, why) in &made.left_out {
            let _ = writeln!(text, "- {}: {why}", code(&visible(name)));
        }
    }
    text.push_str(
        "\n`export.json` holds the tiers as the tool has them once this is done: give its folder to `--since` the next time, so that whoever loses a tier is taken out of it.\n",
    );
    text
}

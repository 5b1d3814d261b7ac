//! `linchpin scan`: the main job.

use std::path::PathBuf;

use super::args::{Also, Condition, Format, Layout, ScanArgs};
use super::check;
use super::complaints;
use super::console::Console;
use super::memory;
use super::progress::Progress;
use super::rulebook::{self, Rulebook};
use super::stages::Stages;
use super::summary::{self, Written};
use super::{Exit, Failure};
use crate::analyze::{self, IdOrder, Judge, Scan};
use crate::compile::{self, Assumption, Program};
use crate::diag::{Code, Diagnostic};
use crate::draw::{self, Picture};
use crate::ingest::Ingested;
use crate::model::{AssetId, Kind, Organisation, pseudonym, redacted_file};
use crate::report::{self, View};
use crate::write::{self, Outputs, TierFiles};

pub(super) fn run(args: &ScanArgs, console: &Console) -> Result<Exit, Failure> {
    threads(args)?.install(|| scan(args, console))
}

fn scan(args: &ScanArgs, console: &Console) -> Result<Exit, Failure> {
    let mut stages = Stages::new();
    let limit = args.memory_limit;
    let watch = limit
        .map(|limit| memory::watch(limit, console))
        .transpose()?;
    let ingested = check::read_undigested(&args.read, args.keep_going, console);
    stages.done("read");
    if let Some(exit) = refused(&ingested, args, console) {
        return Ok(exit);
    }
    let Ingested {
        mut organisation,
        mut sources,
        diagnostics,
        rows_left_out,
        files_cut,
        undigested,
    } = ingested;
    let focus = args
        .focus
        .as_deref()
        .map(|name| focus(&organisation, name))
        .transpose()?;
    let mut rulebook = Rulebook::load(&args.scenario, args.read.format, console)?;
    let options = args.scenario.options(&organisation);
    let mut options = options.map_err(|error| Failure::Usage(error.to_string()))?;
    // What was wrong with the texts is said: the outputs ask for digests and lines. Compiling leaves
    // threads idle.
    let (program, (digests, ids)) = rayon::join(
        || compile::compile(&organisation, &options),
        || {
            let digests = undigested.digest(&sources);
            sources.keep_lines();
            // Pseudonyms have an order of their own.
            let ids = (!args.read.redact).then(|| IdOrder::of(&organisation));
            (digests, ids)
        },
    );
    for (input, digest) in digests {
        organisation.inputs[input].sha256 = digest;
    }
    stages.done("compile");
    let mut accepted = rulebook.find(&organisation);
    rulebook.begin(&organisation, args.read.format, console);
    // Groups and departments have other names when they are redacted.
    if args.read.redact {
        rulebook.policy.redact_processes(&args.read.redact_key);
    }
    let policy = rulebook.policy.clone();
    let judge = rulebook.judge_by(&policy, &organisation, &options);
    if args.read.redact {
        let key = &args.read.redact_key;
        for assumption in &mut options.assumptions {
            redact_assumption(assumption, &organisation, key);
        }
        organisation.redact(key);
        for accepted in &mut accepted {
            accepted.redact(&organisation);
        }
        rulebook.policy.redact();
        sources.rename(|name| redacted_file(key, name));
    }
    let ids = ids.unwrap_or_else(|| IdOrder::of(&organisation));
    let mut scan = solve(console, &organisation, &program, &judge, ids);
    rulebook.waive_found(&organisation, &mut scan, accepted)?;
    rulebook::remark(&scan, args.read.format, console);
    stages.done("solve");
    let view = View {
        org: &organisation,
        sources: &sources,
        program: &program,
        options: &options,
        scan: &scan,
        policy: &rulebook.policy,
    };
    let files = write_all(console, args, &view, focus, &mut stages)?;
    drop(watch);
    let written = Written {
        files,
        rows_left_out,
        files_cut,
    };
    let holds = conditions(args, &view, &diagnostics);
    let text = match args.read.format {
        Format::Text if console.quiet => String::new(),
        Format::Text => summary::text(&view, &written),
        Format::Json => summary::json(&view, &written, &holds),
    };
    console.out(&text)?;
    for condition in &holds {
        complaints::remark(
            console,
            args.read.format,
            &format!("--fail-on {condition} holds"),
        );
    }
    if args.timings {
        stages.say(args.read.format, console);
    }
    // The process ends here; taking results of millions apart first only keeps the caller waiting.
    std::mem::forget((organisation, sources, program, scan));
    Ok(if holds.is_empty() {
        Exit::Done
    } else {
        Exit::Condition
    })
}

/// Whether the inputs are too bad to go on.
fn refused(ingested: &Ingested, args: &ScanArgs, console: &Console) -> Option<Exit> {
    if !ingested.has_errors() {
        return None;
    }
    let hopeless = ingested.organisation.identities.is_empty();
    if args.keep_going && !hopeless {
        let lost = summary::lost(ingested.rows_left_out, ingested.files_cut);
        let said = format!("{lost} left out, as --keep-going asks; the results are partial");
        complaints::remark(console, args.read.format, &said);
        return None;
    }
    let hint = if hopeless {
        ""
    } else {
        "; --keep-going leaves bad rows out"
    };
    complaints::remark(
        console,
        args.read.format,
        &format!("nothing was written{hint}"),
    );
    Some(Exit::Bad)
}

fn focus(org: &Organisation, name: &str) -> Result<AssetId, Failure> {
    let bare = match Kind::split(name) {
        Some((Kind::Identity, name)) => name,
        _ => name,
    };
    org.assets
        .find_spelled(Kind::Identity, bare)
        .ok_or_else(|| {
            let key = crate::model::fold(bare);
            let names = org
                .identities
                .iter()
                .map(|identity| org.assets.get(identity.asset).key);
            let hint =
                crate::diag::closest(&key, names).map(|close| format!("; did you mean `{close}`?"));
            Failure::Usage(format!(
                "--focus: no identity is named `{name}`{}",
                hint.unwrap_or_default()
            ))
        })
}

fn redact_assumption(assumption: &mut Assumption, org: &Organisation, key: &str) {
    if let Assumption::Reference(kind, name) = assumption {
        let compared = org
            .assets
            .find_spelled(*kind, name)
            .map(|asset| org.assets.get(asset).key);
        *name = pseudonym(key, kind.word(), compared.unwrap_or_default());
    }
}

/// The threads that everything runs on.
fn threads(args: &ScanArgs) -> Result<rayon::ThreadPool, Failure> {
    let mut pool = rayon::ThreadPoolBuilder::new();
    if let Some(threads) = args.threads {
        pool = pool.num_threads(threads as usize);
    }
    pool.build()
        .map_err(|error| Failure::Usage(format!("cannot start the threads: {error}")))
}

fn solve(
    console: &Console,
    org: &Organisation,
    program: &Program,
    judge: &Judge<'_>,
    ids: IdOrder,
) -> Scan {
    let kinds = org.assets.kinds();
    let seeds = kinds.filter(|(_, kind)| !matches!(kind, Kind::Group | Kind::System));
    let seeds = seeds.count();
    let progress = Progress::new(console, "solving", seeds as u64);
    let scan = analyze::scan_by(org, program, judge, ids, &|done| progress.tick(done));
    progress.finish();
    scan
}

/// The picture, and its files.
struct Drawn {
    picture: Picture,
    dot: String,
    svg: String,
}

fn drawn(args: &ScanArgs, view: &View<'_>, focus: Option<AssetId>) -> Result<Drawn, Failure> {
    let picture = draw::picture(
        view,
        draw::Limits {
            max_nodes: args.max_nodes as usize,
            focus,
        },
    );
    let dot = draw::dot(&picture);
    let svg = match args.layout {
        Layout::Own => draw::svg(&picture),
        Layout::Graphviz => {
            draw::graphviz_svg(&dot).map_err(|error| Failure::Usage(error.to_string()))?
        }
    };
    Ok(Drawn { picture, dot, svg })
}

fn write_all(
    console: &Console,
    args: &ScanArgs,
    view: &View<'_>,
    focus: Option<AssetId>,
    stages: &mut Stages,
) -> Result<Vec<PathBuf>, Failure> {
    // A picture by Graphviz may fail, and then nothing is to be there.
    let early = match args.layout {
        Layout::Graphviz => Some(drawn(args, view, focus)?),
        Layout::Own => None,
    };
    let partial = if view.org.partial { ".partial" } else { "" };
    let guard = args.csv_guard;
    let mut outputs = Outputs::new(&args.out)?;
    let lines = (view.scan.identities.len() + view.scan.footholds.len()) as u64;
    let progress = Progress::new(console, "writing", lines);
    let tick = |done| progress.tick(done);
    let names = [
        format!("tiers{partial}.csv"),
        format!("tiers{partial}.json"),
        format!("footholds{partial}.csv"),
    ];
    let names = names.each_ref().map(String::as_str);
    // What is drawn is chosen on one thread while there is room beside the writing.
    let (written, drawing) = rayon::join(
        || {
            outputs.files(names, |[tiers, document, footholds]| {
                let files = TierFiles {
                    tiers,
                    document,
                    footholds,
                };
                write::write_tiers(view, guard, files, &tick)
            })
        },
        || early.map_or_else(|| drawn(args, view, focus), Ok),
    );
    written?;
    let Drawn { picture, dot, svg } = drawing?;
    stages.done("tiers");
    let processes = view.scan.processes.iter();
    let processes: Vec<_> = processes
        .map(|one| report::process_entry(view, one))
        .collect();
    outputs.file(&format!("accountability{partial}.csv"), |out| {
        write::write_accountability(&processes, guard, out)
    })?;
    if args.pairs {
        outputs.file(&format!("unlocks{partial}.csv"), |out| {
            write::write_unlocks(view, guard, out)
        })?;
    }
    outputs.file(&format!("graph{partial}.dot"), |out| {
        out.write_all(dot.as_bytes())
    })?;
    outputs.file(&format!("graph{partial}.svg"), |out| {
        out.write_all(svg.as_bytes())
    })?;
    if args.also.contains(&Also::Graphml) {
        let text = draw::graphml(&picture);
        outputs.file(&format!("graph{partial}.graphml"), |out| {
            out.write_all(text.as_bytes())
        })?;
    }
    if args.also.contains(&Also::Sarif) {
        let document = report::sarif(view);
        outputs.file(&format!("findings{partial}.sarif"), |out| {
            writeln!(out, "{document:#}")
        })?;
    }
    if args.also.contains(&Also::Opengraph) {
        outputs.file(&format!("linchpin.opengraph{partial}.json"), |out| {
            write::write_opengraph(view, out)
        })?;
    }
    let written = outputs.commit()?;
    console.note(|notes| notes.written.clone_from(&written));
    progress.finish();
    stages.done("others");
    Ok(written)
}

/// The conditions of `--fail-on` that hold, each with how often.
fn conditions(args: &ScanArgs, view: &View<'_>, diagnostics: &[Diagnostic]) -> Vec<String> {
    let mut holds = Vec::new();
    for &condition in &args.fail_on {
        let count = match condition {
            // Whoever is in tier 0 and was not: that another one left it takes nothing back.
            Condition::TierZeroGrew => {
                let entered = view.scan.identities.iter().filter(|result| {
                    let before = view.org.identities[result.identity as usize].tier;
                    result.tier == Some(0)
                        && before.is_some_and(|before| before > 0)
                        && !is_waived(view, result)
                });
                entered.count()
            }
            Condition::Code(Code::TierRaised) => {
                let mut findings = view.scan.findings.iter().enumerate();
                let is_accepted = findings.any(|(at, finding)| {
                    finding.code == Code::TierRaised && view.scan.waived.finding(at).is_some()
                });
                let raised = view
                    .scan
                    .identities
                    .iter()
                    .filter(|_| !is_accepted)
                    .filter(|result| result.change == Some(analyze::Change::Raise))
                    .filter(|result| !is_waived(view, result));
                raised.count()
            }
            Condition::Code(code) => {
                let findings = view
                    .scan
                    .findings
                    .iter()
                    .enumerate()
                    .filter(|(_, finding)| finding.code == code);
                let waived = findings
                    .clone()
                    .filter(|(at, _)| view.scan.waived.finding(*at).is_some());
                let said = diagnostics.iter().filter(|said| said.code == code);
                // A diagnostic and a finding of one code are about the same thing.
                findings.count().max(said.count()) - waived.count()
            }
        };
        if count > 0 {
            holds.push(format!("{} ({count})", condition.word()));
        }
    }
    holds
}

/// Whether all that an identity unlocks is an accepted risk.
fn is_waived(view: &View<'_>, result: &analyze::IdentityResult) -> bool {
    let identity = view.org.identities[result.identity as usize].asset;
    let unlocks = result.answer.iter().flat_map(|answer| answer.unlocks());
    let systems = unlocks.map(|one| AssetId(one.system.0));
    view.scan.waived.covers(identity, systems)
}

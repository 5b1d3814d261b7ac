//! What the commands beside `scan` start from: inputs read, compiled and solved.

use super::Failure;
use std::sync::Arc;

use super::args::{ReadArgs, ScenarioArgs};
use super::check;
use super::console::Console;
use super::rulebook::{self, Rulebook};
use crate::analyze::compare::Scanned;
use crate::analyze::{self, Scan};
use crate::compile::{self, Options, Program};
use crate::diag::{Sources, closest};
use crate::ingest::Ingested;
use crate::model::{AssetId, Kind, Organisation};
use crate::report::{View, visible};

/// An organisation, scanned.
pub(super) struct Loaded {
    pub(super) org: Organisation,
    pub(super) sources: Arc<Sources>,
    pub(super) options: Options,
    pub(super) program: Program,
    pub(super) scan: Scan,
    pub(super) rulebook: Arc<Rulebook>,
}

impl Loaded {
    /// Reads and scans; nothing when the inputs are bad, which was said then.
    pub(super) fn new(
        read: &ReadArgs,
        scenario: &ScenarioArgs,
        console: &Console,
    ) -> Result<Option<Self>, Failure> {
        if read.redact {
            return Err(Failure::Usage(
                "this command names names; use --redact with `scan`".to_owned(),
            ));
        }
        let ingested = check::read(read, false, console);
        if ingested.has_errors() {
            return Ok(None);
        }
        let rulebook = Arc::new(Rulebook::load(scenario, read.format, console)?);
        let loaded = Self::of(ingested, scenario, &rulebook)?;
        rulebook::remark(&loaded.scan, read.format, console);
        loaded.rulebook.begin(&loaded.org, read.format, console);
        Ok(Some(loaded))
    }

    /// Scans what was read.
    pub(super) fn of(
        ingested: Ingested,
        scenario: &ScenarioArgs,
        rulebook: &Arc<Rulebook>,
    ) -> Result<Self, Failure> {
        let sources = Arc::new(ingested.sources);
        Self::scanned(ingested.organisation, sources, scenario, rulebook)
    }

    /// Scans an organisation.
    pub(super) fn scanned(
        org: Organisation,
        sources: Arc<Sources>,
        scenario: &ScenarioArgs,
        rulebook: &Arc<Rulebook>,
    ) -> Result<Self, Failure> {
        let options = scenario.options(&org);
        let options = options.map_err(|error| Failure::Usage(error.to_string()))?;
        let program = compile::compile(&org, &options);
        let judge = rulebook.judge(&org, &options);
        let mut scan = analyze::scan_identities(&org, &program, &judge);
        drop(judge);
        rulebook.waive(&org, &mut scan)?;
        Ok(Self {
            org,
            sources,
            options,
            program,
            scan,
            rulebook: Arc::clone(rulebook),
        })
    }

    /// What a comparison is made of.
    pub(super) fn side(&self) -> Scanned<'_> {
        Scanned {
            org: &self.org,
            program: &self.program,
            scan: &self.scan,
        }
    }

    /// What the outputs are made of.
    pub(super) fn view(&self) -> View<'_> {
        View {
            org: &self.org,
            sources: &self.sources,
            program: &self.program,
            options: &self.options,
            scan: &self.scan,
            policy: &self.rulebook.policy,
        }
    }
}

/// An asset by its name; a bare one is of the kind that the option is about.
pub(super) fn find(
    org: &Organisation,
    name: &str,
    kind: Kind,
    option: &str,
) -> Result<AssetId, Failure> {
    let (kind, bare) = Kind::split(name).unwrap_or((kind, name));
    org.assets.find_spelled(kind, bare).ok_or_else(|| {
        let key = crate::model::fold(bare);
        let same = org.assets.iter().filter(|(_, asset)| asset.kind == kind);
        let hint = closest(&key, same.map(|(_, asset)| asset.key));
        let hint = hint.map(|close| format!("; did you mean `{close}`?"));
        Failure::Usage(format!(
            "{option}: no {} is named `{bare}`{}",
            kind.word(),
            hint.unwrap_or_default()
        ))
    })
}

/// An asset for a terminal: identities bare, others with their kind.
pub(super) fn named(view: &View<'_>, asset: AssetId) -> String {
    let found = view.org.assets.get(asset);
    let name = visible(found.shown);
    match found.kind {
        Kind::Identity => name.into_owned(),
        kind => format!("{}:{name}", kind.word()),
    }
}

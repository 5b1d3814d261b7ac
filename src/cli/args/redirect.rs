//! Another place for whatever a command writes.

use std::path::Path;

use super::Command;

impl Command {
    /// Makes it write below a folder instead of where it was told to. Every command that writes files
    /// must stand here: `verify` runs what a file of evidence says.
    pub fn redirect(&mut self, folder: &Path) {
        let out = match self {
            Self::Scan(args) => &mut args.out,
            Self::Export(args) => &mut args.out,
            Self::Import(args) => &mut args.out,
            Self::Templates(args) => &mut args.out,
            Self::Generate(args) => &mut args.out,
            Self::Harden(args) => {
                if let Some(out) = &mut args.out {
                    // A file, whose name is on record.
                    let name = out.file_name().unwrap_or_default().to_owned();
                    *out = folder.join("file").join(name);
                }
                return;
            }
            Self::Explain(_)
            | Self::Chokepoints(_)
            | Self::Audit(_)
            | Self::Verify(_)
            | Self::Diff(_)
            | Self::Pairs(_)
            | Self::Whatif(_)
            | Self::Check(_)
            | Self::Sources(_)
            | Self::Policy
            | Self::Frameworks(_)
            | Self::Schema
            | Self::Completions(_)
            | Self::Man => return,
        };
        *out = folder.join("out");
    }
}

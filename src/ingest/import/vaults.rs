//! What the importers of password managers share.

use super::keys::{Joined, Key};
use super::table::Maker;
use crate::diag::{Code, Diagnostic, Origin};

/// The vault of a user of a password manager.
pub(super) fn vault(manager: &str, email: &str) -> String {
    format!("vault:{manager} vault of {}", email.replace(';', ","))
}

/// The account that signs in to a vault: by its address, else the address itself. Nothing when
/// several have it.
pub(super) fn account(email: &str, at: Origin, maker: &mut Maker<'_>) -> Option<String> {
    if email.is_empty() {
        maker.leave_out("members without an address");
        return None;
    }
    match maker
        .keys
        .find(&[(Key::Login, email), (Key::Address, email)])
    {
        Joined::One(id) => Some(format!("identity:{id}")),
        Joined::Nothing => Some(format!("identity:{email}")),
        Joined::Several(several) => {
            let message = format!(
                "`{email}` is the address of several accounts: {}",
                several.join(", ")
            );
            maker.say(
                Diagnostic::new(Code::AmbiguousJoin, message)
                    .at(at, "joined with none")
                    .help("say whose vault it is with a row of `holdings`"),
            );
            None
        }
    }
}

//! Second factors: the report of registered methods, and the values of methods. Secrets among them
//! are not read.

use super::read::{phone, push};
use super::recognise::parent;
use super::tenant::{Factor, Tenant};
use crate::diag::{Code, Diagnostic};
use crate::ingest::import::ExportFile;
use crate::ingest::import::record::Record;
use crate::ingest::import::table::Maker;

pub(super) fn registration(tenant: &mut Tenant, record: &Record<'_>, maker: &mut Maker<'_>) {
    let login = record.text("userPrincipalName");
    let id = record.text("id");
    if id.is_empty() && login.is_empty() {
        return;
    }
    let user = tenant.user(&id, &login);
    user.from.get_or_insert(record.origin);
    if user.login.is_empty() {
        user.login.clone_from(&login);
    }
    if user.name.is_empty() {
        user.name = record.any(&["userDisplayName", "name"]);
    }
    user.is_guest |= record.text("userType").eq_ignore_ascii_case("guest");
    user.sspr_enabled = record
        .any_flag(&["isSsprEnabled", "ssprEnabled"])
        .or(user.sspr_enabled);
    user.factors_known = true;
    let mut methods = record.list("methodsRegistered");
    if methods.len() == 1 && record.is_row() {
        methods = methods[0]
            .split(',')
            .map(|part| part.trim().to_owned())
            .collect();
    }
    let name = user.login.clone();
    for method in methods {
        let device = |what: &str| format!("device:{what} of {name}");
        let number = |phones: &[String], what: &str| match phones.first() {
            Some(phone) => format!("phone:{phone}"),
            None => format!("phone:{what} of {name}"),
        };
        let letters: String = method.chars().filter(|c| c.is_alphanumeric()).collect();
        let (factor, holder, resets) = match letters.to_lowercase().as_str() {
            "mobilephone" => {
                // The number is not in the report: the phone is one that nothing else names.
                if user.phones.is_empty() {
                    push(&mut user.phones, format!("mobile phone of {name}"));
                }
                ("sms", number(&user.phones, "mobile phone"), true)
            }
            "alternatemobilephone" => ("voice", number(&[], "alternate phone"), false),
            "microsoftauthenticatorpush" | "microsoftauthenticatorpasswordless" => {
                ("push", device("authenticator"), true)
            }
            "softwareonetimepasscode" => ("totp", device("authenticator"), true),
            "hardwareonetimepasscode" => ("totp", device("token"), true),
            "fido2" | "fido2securitykey" => ("fido2", device("security key"), false),
            "passkeydevicebound"
            | "passkeydeviceboundauthenticator"
            | "passkeysynced"
            | "passkeydeviceboundwindowshello" => ("passkey", device("passkey"), false),
            "windowshelloforbusiness" | "macossecureenclavekey" => {
                ("passkey", device("computer"), false)
            }
            "certificate" | "x509certificate" => ("smart_card", device("certificate"), false),
            "temporaryaccesspass" => ("temporary_pass", String::new(), false),
            "securityquestion" | "securityquestions" => {
                user.has_questions = true;
                continue;
            }
            // These reset the password and never answer a sign-in.
            "email" => {
                if user.recovery_mail.is_empty() {
                    push(
                        &mut user.recovery_mail,
                        format!("registered address of {name}"),
                    );
                }
                continue;
            }
            "officephone" => {
                if user.office_phones.is_empty() {
                    push(&mut user.office_phones, format!("office phone of {name}"));
                }
                continue;
            }
            _ => {
                maker.leave_out(format!("registered methods `{method}`"));
                continue;
            }
        };
        let known = user
            .factors
            .iter()
            .any(|known| known.factor == factor && !known.holder.is_empty());
        if !known {
            user.factors.push(Factor {
                factor,
                holder,
                resets,
                is_value: false,
                from: Some(record.origin),
            });
        }
    }
}

/// Values of registered methods; secrets among them are not read.
pub(super) fn methods(
    tenant: &mut Tenant,
    file: &ExportFile<'_>,
    context: &str,
    record: &Record<'_>,
    maker: &mut Maker<'_>,
) {
    let mut list = record.records("methods");
    list.extend(record.records("authenticationMethods"));
    let owner = if list.is_empty() {
        list.push(record.clone());
        parent(file, context, record, &["userId", "userPrincipalName"])
    } else {
        parent(
            file,
            context,
            record,
            &["userPrincipalName", "userId", "id"],
        )
    };
    let Some(user) = tenant.named_user(&owner) else {
        maker.leave_out("methods of users that the file does not name");
        return;
    };
    user.factors_known = true;
    let name = user.login.clone();
    for method in list {
        if !method.text("temporaryAccessPass").is_empty() {
            let message = format!(
                "`{}` holds a temporary access pass; it is not read",
                file.name
            );
            maker.say(Diagnostic::new(Code::LiveSecret, message).in_file(file.text.file));
        }
        let kind = kind_of(&method, context);
        let kind = kind.as_str();
        let label = method.any(&["displayName", "deviceTag"]).replace(';', ",");
        let device = |what: &str| match label.as_str() {
            "" => format!("device:{what} of {name}"),
            label => format!("device:{what} {label} of {name}"),
        };
        let (factor, holder, resets) = match kind {
            "phone" => {
                let number = method.text("phoneNumber");
                let is_office = method.text("phoneType").eq_ignore_ascii_case("office");
                let mut numbers = Vec::new();
                phone(
                    &mut numbers,
                    if number.contains(['X', 'x', '*']) {
                        ""
                    } else {
                        &number
                    },
                );
                if is_office {
                    user.office_phones.append(&mut numbers);
                    continue;
                }
                let is_mobile = method.text("phoneType").eq_ignore_ascii_case("mobile");
                // A masked number cannot be told from others: it is a phone of its own.
                let number = numbers
                    .pop()
                    .unwrap_or_else(|| format!("{} of {name}", method.any(&["phoneType", "id"])));
                let holder = format!("phone:{number}");
                // The alternate phone answers sign-ins and resets nothing.
                if is_mobile {
                    user.phones
                        .retain(|known| !known.ends_with(&format!(" of {name}")));
                    push(&mut user.phones, number);
                }
                (if is_mobile { "sms" } else { "voice" }, holder, is_mobile)
            }
            "email" => {
                let own = format!(" of {name}");
                user.recovery_mail.retain(|known| !known.ends_with(&own));
                push(&mut user.recovery_mail, method.text("emailAddress"));
                continue;
            }
            "microsoftauthenticator" | "passwordlessmicrosoftauthenticator" => {
                ("push", device("authenticator"), true)
            }
            "softwareoath" => ("totp", device("authenticator"), true),
            "hardwareoath" => ("totp", device("token"), true),
            "fido2" => ("fido2", device("security key"), false),
            "windowshelloforbusiness" | "platformcredential" => {
                ("passkey", device("computer"), false)
            }
            "temporaryaccesspass" => ("temporary_pass", String::new(), false),
            "x509certificate" | "certificate" => ("smart_card", device("certificate"), false),
            "securityquestion" | "securityquestions" => {
                user.has_questions = true;
                continue;
            }
            "password" => continue,
            other => {
                maker.leave_out(format!("registered methods `{other}`"));
                continue;
            }
        };
        // A value says more than the report, which only names methods.
        user.factors
            .retain(|known| known.is_value || known.factor != factor);
        let found = Factor {
            factor,
            holder,
            resets,
            is_value: true,
            from: Some(method.origin),
        };
        if !user
            .factors
            .iter()
            .any(|known| known.factor == found.factor && known.holder == found.holder)
        {
            user.factors.push(found);
        }
    }
}

/// What kind of method an object is: its type, or the list it stands in, or the fields it has.
fn kind_of(method: &Record<'_>, context: &str) -> String {
    let kind = method.text("@odata.type").to_lowercase();
    if !kind.is_empty() {
        let kind = kind.trim_start_matches("#microsoft.graph.");
        return kind.trim_end_matches("authenticationmethod").to_owned();
    }
    let context = context.to_lowercase();
    let list = context.rsplit('/').next().unwrap_or_default();
    if let Some(kind) = list.strip_suffix("methods").filter(|kind| !kind.is_empty()) {
        return kind.to_owned();
    }
    for (field, kind) in [("phoneNumber", "phone"), ("emailAddress", "email")] {
        if method.has(field) {
            return kind.to_owned();
        }
    }
    String::new()
}

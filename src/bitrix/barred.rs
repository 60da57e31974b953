//! Why a person has to act before we are let in, told apart by what was said.

use super::Said;

/// What stands in the way until a person acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bar {
    /// The pair of tokens is used up: `invalid_grant`, or a token that is unknown right after a renewal.
    TokensDead,
    /// The client id or its secret is not accepted (`invalid_client`); the application may be deleted.
    ClientSecret,
    /// The application was deleted (`APPLICATION_NOT_FOUND`).
    AppRemoved,
    /// The application stands there, but is not installed (`NOT_INSTALLED`, `app.info`).
    NotInstalled,
    /// The account is no administrator (`ACCESS_DENIED` for a whole method, `user.admin`).
    NotAdmin,
    /// The account is dismissed, blocked, or may not use the application.
    AccountDismissed,
    /// The token lacks a scope (`insufficient_scope`, `ERROR_EVENT_NOT_FOUND`, `scope`).
    Scope,
    /// The portal does not know the method, which it also says where the scope is missing.
    MethodUnknown,
    /// The plan, or the payment of the application, has ended (`PAYMENT_REQUIRED`).
    Plan,
    /// An administrator has to approve the method (`METHOD_CONFIRM_WAITING`, `METHOD_CONFIRM_DENIED`).
    Unconfirmed,
    /// The credentials are a webhook's (`WRONG_AUTH_TYPE`, `INVALID_CREDENTIALS`).
    Webhook,
    /// The portal was deleted (`PORTAL_DELETED`).
    PortalDeleted,
    /// The tokens are another portal's.
    OtherPortal,
}

impl Bar {
    /// The bar that an error code of the portal means; none where it means something else. `text` helps
    /// where one code stands for two things.
    #[must_use]
    pub(super) fn of_code(code: &str, text: &str) -> Option<Self> {
        Some(match code.to_ascii_uppercase().as_str() {
            "APPLICATION_NOT_FOUND" => Self::AppRemoved,
            "NOT_INSTALLED" => Self::NotInstalled,
            "AUTHORIZATION_ERROR" | "USER_ACCESS_ERROR" | "ALLOWED_ONLY_INTRANET_USER" => {
                Self::AccountDismissed
            }
            "INSUFFICIENT_SCOPE" | "INVALID_SCOPE" | "ERROR_EVENT_NOT_FOUND" => Self::Scope,
            "ERROR_METHOD_NOT_FOUND" => Self::MethodUnknown,
            "PAYMENT_REQUIRED" | "UPDATE_DYNAMIC_ITEM_RESTRICTED" => Self::Plan,
            "ACCESS_DENIED" if speaks_of_plan(text) => Self::Plan,
            "ACCESS_DENIED" => Self::NotAdmin,
            "METHOD_CONFIRM_WAITING" | "METHOD_CONFIRM_DENIED" => Self::Unconfirmed,
            "WRONG_AUTH_TYPE" | "INVALID_CREDENTIALS" => Self::Webhook,
            "PORTAL_DELETED" => Self::PortalDeleted,
            _ => return None,
        })
    }

    /// What a person has to do about it, in words.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Self::TokensDead => "authorise anew with `b24-tidyd auth login` or `auth import`",
            Self::ClientSecret => {
                "compare client_id and client secret with the application's settings in the portal; \
                 if the application is gone from there, create it anew"
            }
            Self::AppRemoved => {
                "the application was deleted from the portal; create it anew and put its client_id \
                 and secret into the configuration"
            }
            Self::NotInstalled => {
                "open the application once in the portal, or set \"uses API only\" in its settings"
            }
            Self::NotAdmin => {
                "the account is no administrator, or the plan has no REST; check both in the portal"
            }
            Self::AccountDismissed => {
                "the account is dismissed, blocked, or may not use the application; authorise with \
                 another administrator's account"
            }
            Self::Scope | Self::MethodUnknown => {
                "grant the application the scope `crm` in its settings, and authorise anew if that \
                 is not enough"
            }
            Self::Plan => "the portal's or the application's subscription ended; renew it",
            Self::Unconfirmed => "an administrator has to approve the method in the portal",
            Self::Webhook => "these are a webhook's credentials; authorise a local application",
            Self::PortalDeleted => "the portal was deleted; remove it from the configuration",
            Self::OtherPortal => {
                "authorise the configured portal, or correct its `url` in the configuration"
            }
        }
    }
}

/// `ACCESS_DENIED` also means that the plan has no REST, and only its text tells.
fn speaks_of_plan(text: &str) -> bool {
    let text = text.to_lowercase();
    [
        "plan",
        "commercial",
        "licen",
        "tariff",
        "subscription",
        "тариф",
        "лиценз",
        "подписк",
    ]
    .iter()
    .any(|word| text.contains(word))
}

/// Who refuses us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Party {
    /// The portal itself.
    Portal,
    /// The authorisation server.
    AuthServer,
}

/// A refusal that lasts until a person acts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} does not let us in: {said}", match by {
    Party::Portal => "the portal",
    Party::AuthServer => "the authorisation server",
})]
pub struct Barred {
    /// What stands in the way.
    pub bar: Bar,
    /// Who said so.
    pub by: Party,
    /// In which words.
    pub said: Said,
}

impl Barred {
    /// A refusal by the portal.
    #[must_use]
    pub fn by_portal(bar: Bar, said: Said) -> Self {
        let by = Party::Portal;
        Self { bar, by, said }
    }

    /// A refusal by the authorisation server.
    #[must_use]
    pub fn by_auth_server(bar: Bar, said: Said) -> Self {
        let by = Party::AuthServer;
        Self { bar, by, said }
    }
}

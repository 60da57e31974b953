//! A portal that was renamed: its old address answers 302.

use url::Url;

use super::{CallFailure, Portal};
use crate::bitrix::{Problem, Said};

impl Portal {
    /// Goes on at the portal's new address. It is remembered once it has proved to be the same portal.
    pub(super) fn follow(&self, target: &Url) -> Result<(), CallFailure> {
        let Some((root, _)) = target.as_str().split_once("/rest/") else {
            return Err(
                Problem::Unclear("a redirect away from the REST address".to_owned()).into(),
            );
        };
        let endpoint: Url = format!("{root}/rest/")
            .parse()
            .map_err(|_| Problem::Unclear("a redirect to no address".to_owned()))?;
        self.session().endpoint = endpoint;
        Ok(())
    }

    /// The new address has accepted our token, which no portal but ours does (it belongs to one
    /// `member_id`; each renewal compares that, too).
    pub(super) fn remember_move(&self) {
        let endpoint = self.session().endpoint.clone();
        tracing::warn!(portal = %self.config.name, %endpoint,
            "the portal was renamed; change its `url` in the configuration at leisure");
        self.note(self.store().set_endpoint(self.id, endpoint.as_str()));
    }

    /// The new address does not know our token: it is another portal, and gets nothing more from us.
    pub(super) fn refuse_move(&self) -> Result<CallFailure, CallFailure> {
        let elsewhere = self.session().endpoint.clone();
        self.reread()?;
        Ok(Problem::Unauthorised(Said {
            code: String::new(),
            text: format!(
                "it sends us to {elsewhere}, which does not know our tokens; if the portal lives there \
                 now, change its `url` and authorise anew with `b24-tidyd auth login` or `auth import`"
            ),
        })
        .into())
    }
}

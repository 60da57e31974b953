//! A portal that was renamed: its old address answers 302.

use url::Url;

use super::{CallFailure, Portal};
use crate::{
    bitrix::{Problem, Said},
    config::authority,
};

impl Portal {
    /// Goes on at the portal's new address. It is remembered once it has proved to be the same portal.
    pub(super) fn follow(&self, target: &Url) -> Result<(), CallFailure> {
        let unclear = |what: &str| Problem::Unclear(what.to_owned());
        let present = self.session().endpoint.clone();
        let endpoint: Url = match target.as_str().split_once("/rest/") {
            Some((root, _)) => format!("{root}/rest/").parse(),
            // Another host alone is named. A page of it, such as a login, is no portal of ours.
            None if authority(target) != authority(&present) && target.path() == "/" => {
                target.join("/rest/")
            }
            None => return Err(unclear("a redirect away from the REST address").into()),
        }
        .map_err(|_| unclear("a redirect to no address"))?;
        self.session().endpoint = endpoint;
        Ok(())
    }

    /// The new address has accepted our token, which no portal but ours does (it belongs to one
    /// `member_id`; each renewal compares that, too).
    pub(super) async fn remember_move(&self) {
        let endpoint = self.session().endpoint.clone();
        tracing::warn!(portal = %self.config.name, %endpoint,
            "the portal was renamed; change its `url` in the configuration at leisure");
        self.note(self.store().set_endpoint(self.id, endpoint.as_str()).await);
    }

    /// The new address does not know our token: it is another portal, and gets nothing more from us.
    pub(super) async fn refuse_move(&self) -> Result<CallFailure, CallFailure> {
        let elsewhere = self.session().endpoint.clone();
        self.reread().await?;
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

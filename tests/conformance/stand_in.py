"""The official Python SDK on the test portal: only scheme and address are adapted."""

import sys
from urllib.parse import urlparse

from b24pysdk import BitrixApp, BitrixToken
from b24pysdk.api.requesters import BitrixOAuthRequester
from b24pysdk.errors import BitrixResponse302JSONDecodeError
from messy import Messy


class StandIn(Messy):
    """A served test portal with the SDK's application and token for it."""

    def __init__(self, control_url):
        super().__init__(control_url)
        self._adapt()
        self.app = BitrixApp(
            client_id=self.overview["client_id"],
            client_secret=self.overview["client_secret"],
        )
        pair = self.control("POST", "/tokens", {})
        self.token = BitrixToken(
            domain=urlparse(self.overview["url"]).netloc,
            auth_token=pair["access_token"],
            refresh_token=pair["refresh_token"],
            bitrix_app=self.app,
        )

    def _adapt(self):
        """The SDK knows https, default ports and one authorisation host; we are on loopback."""
        caller = sys.modules["b24pysdk.api.callers.call_method"]
        for name in dir(caller):
            found = getattr(caller, name)
            if isinstance(found, type) and "_base_url" in vars(found):
                found._base_url = property(lambda self: f"http://{self._domain}/rest")
        BitrixOAuthRequester._OAUTH_TOKEN_URL = self.overview["oauth_url"] + "/oauth/token/"
        BitrixResponse302JSONDecodeError.new_domain = property(
            lambda error: urlparse(error.redirect_url).netloc
        )

"""`fast_bitrix24` drains the served test portal's queue. Nothing of it is adapted: it takes the
portal's address, and a function that gets tokens. Usage: drain_fast.py CONTROL_URL
"""

import asyncio
import json
import sys
import urllib.parse
import urllib.request

from fast_bitrix24 import BitrixAsync
from messy import Messy

EVENTS = ["ONCRMCONTACTADD", "ONCRMCONTACTUPDATE"]


class Tokens:
    """An application's pair, renewed whenever the library asks for a token again."""

    def __init__(self, messy):
        self.overview = messy.overview
        self.pair = messy.control("POST", "/tokens", {})
        self.asked = 0

    async def token(self):
        self.asked += 1
        if self.asked > 1:
            form = {
                "grant_type": "refresh_token",
                "client_id": self.overview["client_id"],
                "client_secret": self.overview["client_secret"],
                "refresh_token": self.pair["refresh_token"],
            }
            data = urllib.parse.urlencode(form).encode()
            with urllib.request.urlopen(self.overview["oauth_url"] + "/oauth/token/", data) as answer:
                self.pair = json.load(answer)
        return self.pair["access_token"]


async def drain(messy):
    tokens = Tokens(messy)
    endpoint = tokens.pair["client_endpoint"]
    portal = BitrixAsync(endpoint, token_func=tokens.token, verbose=False)

    async def raw(method, params):
        return (await portal.call(method, params, raw=True))["result"]

    for event in EVENTS:
        assert await raw("event.bind", {"event": event, "event_type": "offline"}) is True
    ids = messy.people_edit()
    got = await raw("event.offline.get", {"clear": 0, "limit": 500})
    rows = got["events"]
    touched = sorted({int(row["EVENT_DATA"]["FIELDS"]["ID"]) for row in rows})
    assert touched == ids, touched

    everybody = await portal.get_all("crm.contact.list", {"select": ["ID", "NAME"]})
    assert len(everybody) == messy.contacts(category=0), len(everybody)
    chosen = {"entityTypeId": 3, "select": ["id", "name", "lastName"], "filter": {"@id": touched}}
    items = await portal.get_all("crm.item.list", chosen)
    assert sorted(item["id"] for item in items) == ids, "every category is there"
    alone = await portal.get_by_ID("crm.item.get", touched, "id", {"entityTypeId": 3})
    assert len(alone) == len(ids)

    messy.control("POST", "/tokens/expire")
    writes = [
        {
            "entityTypeId": 3,
            "id": item["id"],
            "fields": {"name": messy.tidy(item["name"]), "lastName": messy.tidy(item["lastName"])},
        }
        for item in items
    ]
    # One batch after another: it renews for each request that was refused.
    for start in range(0, len(writes), 50):
        page = writes[start : start + 50]
        assert len(await portal.call("crm.item.update", page)) == len(page)
    assert tokens.asked == 2, "one renewal"
    done = {"process_id": got["process_id"], "id": [int(row["ID"]) for row in rows]}
    assert await raw("event.offline.clear", done) is True
    messy.must_be_tidy(ids)


if __name__ == "__main__":
    asyncio.run(drain(Messy(sys.argv[1])))
    print("1 passed, 0 failed")

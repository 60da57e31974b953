"""The official Python SDK against the served test portal.

A stand-in written by its client's own authors tends to forgive; this client was written by the
vendor. Usage: run.py CONTROL_URL
"""

import sys
from urllib.parse import parse_qs, urlparse

from b24pysdk.errors import BitrixAPIBadRequest, BitrixAPIForbidden
from b24pysdk.errors.oauth import BitrixOAuthInvalidGrant
from stand_in import StandIn

STAND_IN = StandIn(sys.argv[1])
control = STAND_IN.control


class Checks:
    """Runs checks one by one and counts them."""

    def __init__(self):
        self.overview = STAND_IN.overview
        self.app = STAND_IN.app
        self.token = STAND_IN.token
        self.client = self.token.get_client()

    def code_is_exchanged(self):
        # The SDK wants `expires` and `user_id` here too, which the documentation does not show.
        control("POST", "/settings", {"exchange_names_user": True})
        query = parse_qs(urlparse(control("POST", "/codes", {"state": "s"})["url"]).query)
        assert query["state"] == ["s"]
        renewed = self.app.get_oauth_token(query["code"][0])
        assert renewed.member_id == self.overview["member_id"]
        assert renewed.oauth_token.refresh_token
        try:
            self.app.get_oauth_token(query["code"][0])
        except BitrixOAuthInvalidGrant:
            return
        raise AssertionError("a code worked twice")

    def expired_token_is_renewed_once(self):
        before = self.token.auth_token, self.token.refresh_token
        control("POST", "/tokens/expire")
        control("DELETE", "/requests")
        assert self.client.profile().result["ID"] == "1"
        assert self.token.auth_token != before[0] and self.token.refresh_token != before[1]
        methods = [request["method"] for request in control("GET", "/requests")]
        assert methods == ["profile", "oauth.token", "profile"], methods
        try:
            self.app.refresh_oauth_token(before[1])
        except BitrixOAuthInvalidGrant:
            return
        raise AssertionError("the old refresh token still works")

    def helper_methods_answer(self):
        assert self.token.call_method("user.admin")["result"] is True
        assert "crm" in self.token.call_method("scope")["result"]
        assert self.token.call_method("app.info")["result"]["INSTALLED"] is True
        feature = {"CODE": "rest_offline_extended"}
        assert self.token.call_method("feature.get", feature)["result"] == {"value": "Y"}

    def contacts_are_listed_page_by_page(self):
        params = {"select": ["ID", "NAME"], "order": {"ID": "ASC"}}
        first = self.token.call_method("crm.contact.list", params)
        assert len(first["result"]) == 50 and first["next"] == 50
        assert first["total"] == len(control("GET", "/contacts"))
        listed = self.token.call_list("crm.contact.list", params)["result"]
        ids = [int(row["ID"]) for row in listed]
        assert sorted(ids) == [contact["id"] for contact in control("GET", "/contacts")]

    def fast_lists_go_by_id(self):
        fast = self.token.call_list_fast("crm.contact.list", {"select": ["ID", "NAME"]})
        ids = [int(row["ID"]) for row in fast["result"]]
        assert ids == [contact["id"] for contact in control("GET", "/contacts")]

    def batches_run_with_their_encoding(self):
        name = "O'Neil & Söhne + 50% #1 [x]=ÿ"
        answer = self.token.call_batch(
            {
                "u": ("crm.contact.update", {"id": 1, "fields": {"NAME": name}}),
                "g": ("crm.contact.get", {"id": 1}),
                "missing": ("crm.contact.get", {"id": 999_999}),
                "l": (
                    "crm.contact.list",
                    {"filter": {"@ID": [1, 2], "<=DATE_MODIFY": "2100-01-01T00:00:00+03:00"}},
                ),
            }
        )["result"]
        assert answer["result"]["u"] is True
        assert answer["result"]["g"]["NAME"] == name, answer["result"]["g"]
        assert answer["result_error"]["missing"]["error_description"] == "Not found"
        assert len(answer["result"]["l"]) == 2
        assert answer["result_next"] == []

    def lists_of_commands_come_back_as_lists(self):
        answer = self.token.call_batch([("profile", {}), ("server.time", {})])["result"]
        assert isinstance(answer["result"], list) and len(answer["result"]) == 2
        assert answer["result_error"] == []

    def many_commands_take_many_batches(self):
        control("DELETE", "/requests")
        methods = {f"c{n}": ("crm.contact.get", {"id": n}) for n in range(1, 61)}
        answer = self.token.call_batches(methods)["result"]["result"]
        assert len(answer) == 60 and answer["c60"]["ID"] == "60"
        assert len(control("GET", "/requests")) == 2

    def errors_become_exceptions(self):
        try:
            self.token.call_method("crm.contact.get", {"id": 999_999})
        except BitrixAPIBadRequest as error:
            assert "Not found" in str(error)
        else:
            raise AssertionError("a contact that is not there was read")

    def offline_events_are_bound_once(self):
        for event in ("ONCRMCONTACTADD", "ONCRMCONTACTUPDATE"):
            assert self.client.event.bind(event, event_type="offline").result is True
        try:
            self.client.event.bind("onCrmContactAdd", event_type="offline").result
        except BitrixAPIBadRequest as error:
            assert "already binded" in str(error)
        else:
            raise AssertionError("bound twice")
        bound = self.token.call_method("event.get")["result"]
        assert {"event": "ONCRMCONTACTADD", "connector_id": "", "offline": 1} in bound

    def offline_events_are_reserved_and_cleared(self):
        for number in (1, 2, 3):
            control("POST", f"/contacts/{number}", {"NAME": f"edited {number}"})
        offline = self.client.event.offline
        listed = offline.list(filter={"EVENT_NAME": "ONCRMCONTACTUPDATE"}).result
        assert [row["PROCESS_ID"] for row in listed] == ["", "", ""]
        got = offline.get(clear=False, limit=2).result
        process, rows = got["process_id"], got["events"]
        assert len(process) == 32 and len(rows) == 2
        assert rows[0]["EVENT_DATA"] == {"FIELDS": {"ID": "1"}}
        again = offline.get(clear=False, process_id=process).result
        assert [row["ID"] for row in again["events"]] == [row["ID"] for row in rows]
        assert offline.clear(process, bitrix_id=[int(rows[0]["ID"])]).result is True
        assert len(control("GET", "/queue")) == 2
        assert offline.clear(process).result is True
        left = offline.get(clear=True).result
        assert left["process_id"] is None and len(left["events"]) == 1
        assert control("GET", "/queue") == []

    def own_writes_are_not_queued(self):
        self.token.call_method("crm.contact.update", {"id": 4, "fields": {"NAME": "own"}})
        assert control("GET", "/queue") == []

    def parked_events_come_back_with_error(self):
        control("POST", "/contacts/5", {"NAME": "parked"})
        offline = self.client.event.offline
        got = offline.get(clear=False).result
        message = got["events"][0]["MESSAGE_ID"]
        park = {"process_id": got["process_id"], "message_id": [message]}
        assert self.token.call_method("event.offline.error", park)["result"] is True
        assert offline.get(clear=False).result["events"] == []
        parked = offline.get(clear=False, error=True).result
        assert [row["MESSAGE_ID"] for row in parked["events"]] == [message]
        offline.clear(parked["process_id"]).result
        assert control("GET", "/queue") == []

    def a_queue_is_drained_by_items(self):
        control("DELETE", "/violations")
        ids = STAND_IN.people_edit()
        offline = self.client.event.offline
        got = offline.get(clear=False, limit=500).result
        rows = got["events"]
        assert sorted({int(row["EVENT_DATA"]["FIELDS"]["ID"]) for row in rows}) == ids
        chosen = {"entityTypeId": 3, "select": ["id", "name", "lastName"], "filter": {"@id": ids}}
        listed = self.token.call_list("crm.item.list", chosen)["result"]
        items = listed["items"] if isinstance(listed, dict) else listed
        assert sorted(item["id"] for item in items) == ids, "every category is there"
        assert self.client.crm.item.get(bitrix_id=ids[-1], entity_type_id=3).result["item"]["categoryId"] == 12
        control("POST", "/tokens/expire")
        writes = {}
        for item in items:
            fields = {"name": STAND_IN.tidy(item["name"]), "lastName": STAND_IN.tidy(item["lastName"])}
            params = {"entityTypeId": 3, "id": item["id"], "fields": fields}
            writes[f"u{item['id']}"] = ("crm.item.update", params)
        answer = self.token.call_batches(writes)["result"]
        assert answer["result_error"] in ([], {}), answer["result_error"]
        assert offline.clear(got["process_id"], bitrix_id=[int(row["ID"]) for row in rows]).result is True
        # This SDK renews by GET.
        STAND_IN.must_be_tidy(ids, habits=["secret in the address of oauth.token"])

    def a_plan_without_confirmation_refuses_reservations(self):
        control("POST", "/settings", {"plan_confirms": False})
        try:
            self.client.event.offline.get(clear=False).result
        except BitrixAPIForbidden as error:
            assert "license" in str(error)
        else:
            raise AssertionError("reserved without the plan")
        finally:
            control("POST", "/settings", {"plan_confirms": True})

    def a_full_bucket_is_waited_for(self):
        full = {"status": 503, "code": "QUERY_LIMIT_EXCEEDED", "description": "Too many requests"}
        control("POST", "/faults", {"matching": {"times": 1}, "effect": {"Error": full}})
        assert self.client.profile().result["ID"] == "1"

    def a_renamed_portal_is_followed(self):
        new = control("POST", "/rename")["url"]
        assert self.client.profile().result["ID"] == "1"
        assert self.token.domain == urlparse(new).netloc, self.token.domain

    def run(self):
        names = [name for name in vars(Checks) if name != "run" and not name.startswith("_")]
        failed = 0
        for name in names:
            control("POST", "/settings", {"burst": 1000.0})
            try:
                getattr(self, name)()
                print(f"ok      {name}")
            except Exception as error:  # noqa: BLE001  (a check may fail in any way)
                failed += 1
                print(f"FAILED  {name}: {type(error).__name__}: {error}")
        print(f"{len(names) - failed} passed, {failed} failed")
        return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(Checks().run())

"""Support programmes by command: every worked result that is carried, asked as an officer's script
asks; a new announcement written as data, checked, refused where it contradicts itself, put into a home
that is being served, and walked from announcement to close. R-275 R-276

usage: step_programme.py
"""
import http.client
import json
import pathlib
import subprocess
import sys
import tempfile
import time

from lib import DATA, PROGRAM, ROOT, Server, claim, maru

FILES = ["programme_examples.json", "programme_examples_rules.json"]


def ask(verb, programme, facts, *more):
    done = subprocess.run([PROGRAM, "programme", verb, programme, "--input", "-", "--json", *more], input=json.dumps(facts),
                          capture_output=True, text=True)
    claim(done.returncode == 0, f"{verb} {programme} gave {done.returncode}: {done.stderr[-500:]}")
    return json.loads(done.stdout)


def holds(wanted, got):
    """What is expected is there; lists are whole, members of objects may be more."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        return all(holds(value, got.get(name)) for name, value in wanted.items())
    return wanted == got


def examples():
    count = 0
    for name in FILES:
        for example in json.loads((DATA / name).read_text(encoding="utf-8"))["examples"]:
            more = ["--type", example["type"]] if example.get("type") else []
            answer = ask(example["verb"], example["programme"], example["input"], *more)
            for member, wanted in example.get("expect", {}).items():
                claim(holds(wanted, answer.get(member)), f"{example['id']}: {member} is {answer.get(member)!r}, not {wanted!r}")
            claim(isinstance(answer["notes"], list) and isinstance(answer["refused"], list), example["id"])
            for one in answer["refused"]:
                claim(one["rule"] and one["ko"] and one["en"], f"{example['id']}: a refusal without words")
            count += 1
    return count


def shipped():
    items = json.loads(maru("programme", "list", "--json"))["items"]
    claim(len([one for one in items if one["kind"] == "programme"]) == 23, "23 programmes ship")
    claim(len([one for one in items if one["state"] == "details_pending"]) == 13, "13 wait for their details")
    for one in items:
        answer = json.loads(maru("programme", "validate", ROOT / "share" / "programmes" / f"{one['id']}.json", "--json"))
        claim(answer["valid"], f"{one['id']}: {answer['findings']}")
        for lang, state in (("ko", "상태: "), ("en", "State: ")):
            page = maru("programme", "show", one["id"], "--lang", lang)
            claim(page.startswith(f"{one['id']}  ") and state in page, f"{one['id']}: the summary of its head in {lang}")
            claim("{" not in page and '"' not in page, f"{one['id']}: a summary, no JSON ({lang})")
    page = maru("programme", "show", "mss-2020-build", "--lang", "en")
    for words in ("total project cost: 50%; at most 150,000,000 won", "of it at most 30,000,000 won; 6 months; extension up to 3 months",
                  "(regional centre)", "[003 L170]", "at most 5 points in all"):
        claim(words in page, f"the summary says {words}")
    portfolio = json.loads(maru("programme", "show", "mss-2023", "--json"))["sums"]
    claim(portfolio["sum"] == 146_160_000_000 and portfolio["within_rounding"], "the national budgets add up")
    return len(items)


def new_announcement(folder):
    """Written from another one, without a line of C."""
    mine = json.loads((ROOT / "share" / "programmes" / "bupyeong-2023.json").read_text(encoding="utf-8"))
    mine.update(id="namdong-2025", ko="2025년 남동구 지원사업", en="Namdong-gu 2025", year=2025, announced="2025-03-04")
    mine["region"] = {"ko": "인천광역시 남동구", "en": "Namdong-gu", "names": ["남동구"]}
    mine["types"][1].update(rate="0.25", cap=12_000_000)
    path = pathlib.Path(folder) / "mine.json"
    path.write_text(json.dumps(mine, ensure_ascii=False), encoding="utf-8")
    claim(json.loads(maru("programme", "validate", path, "--json"))["valid"], "the new announcement is valid")
    answer = ask("subsidy", str(path), {"cash_contribution": 48_000_001}, "--type", "basic")
    claim((answer["grant"], answer["company"]) == (12_000_000, 36_000_001), f"a new rate is reckoned: {answer['grant']}")
    moved = ask("clawback", str(path), {"paid": 5, "cause": "factory_moved", "date": "2025-06-02", "success_verdict": "2025-12-01",
                                        "factory_from": "인천 남동구", "factory_to": "인천 부평구"})
    claim(moved["amount"] == 5, "its own region decides")
    wrong = dict(mine, steps=[dict(step, by=[]) for step in mine["steps"]])
    path.write_text(json.dumps(wrong, ensure_ascii=False), encoding="utf-8")
    done = maru("programme", "validate", path, "--json", expect=None)
    answer = json.loads(done.stdout)
    claim(done.returncode == 1 and not answer["valid"] and answer["findings"][0]["where"] == "steps[0].by", "a step without an actor")
    path.write_text(json.dumps(mine, ensure_ascii=False), encoding="utf-8")
    return mine


def wrong_use():
    for args, code in [(["rain"], 2), (["show"], 2), (["show", "none"], 1), (["subsidy", "bupyeong-2023"], 2), (["validate"], 2),
                       (["validate", "/nowhere.json"], 1), (["deadlines", "bupyeong-2023", "--input", "/nowhere.json"], 1)]:
        done = maru("programme", *args, expect=None)
        claim(done.returncode == code and done.stderr.startswith("maru: "), f"{args}: {done.returncode} {done.stderr}")


class Desk:
    """An officer at a served home."""

    def __init__(self, address, token):
        self.address, self.token, self.told = address, token, 0

    def ask(self, method, path, body=None, expect=(200, 201)):
        self.told += 1
        connection = http.client.HTTPConnection(self.address, timeout=10)
        connection.request(method, "/api/v1/" + path, body=None if body is None else json.dumps(body).encode(), headers={
            "Authorization": "Bearer " + self.token, "Content-Type": "application/json", "Idempotency-Key": f"key-{self.told}"})
        said = connection.getresponse()
        text = said.read().decode()
        connection.close()
        claim(said.status in expect, f"{method} {path} {body}: {said.status} {text[:600]}")
        return json.loads(text)

    def refused(self, method, path, body, rule):
        answer = self.ask(method, path, body, (422,))
        claim(any(one["rule"] == rule and one["source"] for one in answer["refused"]), f"{rule} is not what was refused: {answer['refused']}")


def walk(desk, programme):
    """From the announcement to the close, with a wrong turn here and there."""
    desk.ask("POST", f"programmes/{programme}/announce", {"budget_won": 50_000_000})
    wish = {"programme": programme, "type": "basic", "name": "한빛정밀", "corporation": "110111-0000001", "at": "2025-04-05T10:00",
            "reason": "종이로 접수", "facts": {"factory": "인천 남동구 논현동", "matched_agreement": "2025-03-10", "large_group": False, "past": []},
            "cost": {"cash_contribution": 48_000_001}, "documents": [{"id": "application"}]}
    desk.refused("POST", "cases", wish, "privacy")
    wish["documents"].append({"id": "privacy"})
    case = desk.ask("POST", "cases", wish)["case"]["number"]
    actions = f"cases/{case}/actions"

    def act(action, at, **more):
        return desk.ask("POST", actions, {"action": action, "at": at, "reason": "기록", **more})["case"]

    desk.ask("POST", actions, {"action": "pay", "at": "2025-04-06T09:00", "reason": "너무 이르다"}, (409,))
    act("screen", "2025-04-06T10:00")
    act("score", "2025-04-07T10:00", score=88)
    chosen = desk.ask("POST", f"programmes/{programme}/select", {"at": "2025-04-08T10:00", "reason": "선정"})
    claim(chosen["selected"]["basic"] == [case], f"selected: {chosen['selected']}")
    claim(act("agree", "2025-04-14T10:00")["agreed_won"] == 12_000_000, "agreed at the cap of the new announcement")
    claimed = {"action": "request", "at": "2025-04-29T10:00", "reason": "기록", "insurance": [{"holder": "adopter", "until": "2026-04-14"}],
               "documents": [{"id": one} for one in ("payment_application", "guarantee", "bankbook")]}
    desk.refused("POST", actions, claimed, "payment_request_due")
    desk.ask("POST", actions, dict(claimed, at="2025-04-28T10:00"))
    claim(act("pay", "2025-04-29T10:00")["paid_won"] == 12_000_000, "paid")
    act("skip", "2025-06-02T10:00")
    claim(act("judge", "2025-11-28T10:00", verdict="success")["state"] == "closed", "closed")
    history = desk.ask("GET", f"cases/{case}")["history"]
    claim([one["action"] for one in history][-1] == "judge" or history[0]["action"] == "judge", "the history ends with the verdict")
    return len(history)


def served(folder, mine):
    """A home's own version of a programme, asked while it is served, and walked."""
    home = f"{folder}/home"
    maru("init", home)
    token = maru("token", home, "--role", "owner", "--scope", "read,write").strip()
    server = Server("run", home, "--listen", "127.0.0.1:0")
    try:
        desk = Desk(server.address, token)
        desk.ask("PUT", f"programmes/{mine['id']}", mine)
        answer = ask("subsidy", mine["id"], {"cash_contribution": 20_000_000}, "--type", "basic", "--home", home)
        claim(answer["grant"] == 5_000_000, f"the home's own rule: {answer['grant']}")
        claim(f"{mine['id']} " in maru("programme", "list", "--home", home), "it stands in the home's list")
        entries = walk(desk, mine["id"])
    finally:
        server.stop()
    maru("verify", home)
    done = maru("programme", "show", mine["id"], expect=None)
    claim(done.returncode == 1, "what ships does not know it")
    return entries


def main():
    begin = time.monotonic()
    count = examples()
    programmes = shipped()
    wrong_use()
    with tempfile.TemporaryDirectory(prefix="maru-programme-") as folder:
        mine = new_announcement(folder)
        entries = served(folder, mine)
    print(json.dumps({"examples": count, "programmes": programmes, "entries": entries, "seconds": round(time.monotonic() - begin, 1)}))
    sys.exit(0)


if __name__ == "__main__":
    main()

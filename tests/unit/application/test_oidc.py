"""Signing in by OpenID Connect, against a provider made by hand and the real adapter that speaks to it."""

from __future__ import annotations

import asyncio
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from dpp.application.arrivals import AccountDisabled, AddressTaken, TooManyGroups
from dpp.application.id_tokens import AddressMissing
from dpp.application.oidc import Returned
from dpp.application.oidc_ports import (
    InvalidIdToken,
    ProviderRefused,
    ProviderUnavailable,
    SignInExpired,
    SignInRefused,
)
from dpp.domain.access import Grant, Role
from tests.support.identity_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    EMAIL,
    ISSUER,
    ec_key,
    public_jwk,
    rsa_key,
    unsigned,
)
from tests.support.oidc_site import LEAD, PAYMENTS, VIEWER, Site


def story(tell: Callable[[Site], Coroutine[Any, Any, None]], **site: Any) -> None:
    """Tell a story of a new platform."""
    asyncio.run(tell(Site(**site)))


async def refused(site: Site, kind: type[Exception], words: str) -> None:
    """Make sure that a sign-in is refused, goes on record, and opens nothing."""
    with pytest.raises(kind, match=words) as caught:
        await site.sign_in()
    assert getattr(caught.value, "code", None) == (await site.reasons())[0]
    assert not vars(site.access.store)["_sessions"]


def test_a_first_sign_in_creates_the_user() -> None:
    """The person is added as the provider names them, without a password, and goes on to where they wanted to be."""

    async def tell(site: Site) -> None:
        begun = await site.oidc.begin("/?stream=payments")
        finished = await site.oidc.finish(await site.returned(begun))
        assert "/?stream=payments" == finished.wanted
        user = await site.person()
        assert ("Ada Lovelace", None, site.access.clock.now()) == (
            user.display_name,
            user.password_hash,
            user.last_login_at,
        )
        who = await site.access.signin.who(finished.session.token)
        assert (user.user_id, frozenset()) == (who.id, who.permissions)
        found = await site.access.store.signed_in(sha256(finished.session.token.encode()).hexdigest())
        assert found is not None
        assert "oidc" == found.session.auth_method

    story(tell)


def test_the_browser_is_sent_with_what_the_flow_needs() -> None:
    """Scopes, state, nonce and the challenge go to the provider; the verifier and the client secret do not."""

    async def tell(site: Site) -> None:
        begun = await site.oidc.begin("/")
        assert begun.url.startswith("https://login.example.org/authorize?tenant=acme&response_type=code&")
        query = dict(httpx.URL(begun.url).params)
        assert "openid profile email" == query["scope"]
        assert begun.state == query["state"]
        assert 43 == len(query["state"]) == len(query["nonce"]) == len(query["code_challenge"])
        other = dict(httpx.URL((await site.oidc.begin("/")).url).params)
        assert not [name for name in ("state", "nonce", "code_challenge") if query[name] == other[name]]
        assert begun.sealed not in repr(begun)

    story(tell)


def test_a_person_is_known_again_by_the_subject() -> None:
    """Another address or name changes how the same user is called."""

    async def tell(site: Site) -> None:
        await site.sign_in()
        user = await site.person()
        site.provider.claims = {"email": "Countess@Example.org", "name": None, "given_name": "Ada", "family_name": "K"}
        await site.sign_in()
        again = await site.access.store.user(user.user_id)
        assert again is not None
        assert ("countess@example.org", "Ada K") == (again.email, again.display_name)
        assert 1 == len(await site.access.store.users())

    story(tell)


def test_groups_bring_roles() -> None:
    """Roles come with groups, and go with them at the next sign-in; they are the user's from the next request."""

    async def tell(site: Site) -> None:
        site.provider.claims = {"groups": ["staff", "dpp-payments-leads", "dpp-unknown-leads", 7]}
        first = await site.sign_in()
        id_ = (await site.person()).user_id
        assert (LEAD, VIEWER) == await site.access.store.grants(id_)
        site.provider.claims = {"groups": "staff"}
        await site.sign_in()
        assert (VIEWER,) == (await site.access.signin.who(first.session.token)).grants
        site.provider.claims = {}
        await site.sign_in()
        assert () == await site.access.store.grants(id_)

    story(tell)


def test_what_was_assigned_by_hand_stays_and_wins() -> None:
    """A role by hand survives every sign-in, and for the same streams no group brings another."""

    async def tell(site: Site) -> None:
        await site.sign_in()
        id_ = (await site.person()).user_id
        by_hand = Grant(role=Role.VIEWER, delivery_stream_id=PAYMENTS)
        await site.access.users.set_grants(id_, [by_hand], actor="test")
        site.provider.claims = {"groups": ["staff", "dpp-payments-leads"]}
        await site.sign_in()
        assert (VIEWER, by_hand) == await site.access.store.grants(id_)
        site.provider.claims = {}
        await site.sign_in()
        assert (by_hand,) == await site.access.store.grants(id_)

    story(tell)


def test_a_role_that_administrators_give_themselves_stays() -> None:
    """What somebody does by hand for themself is by hand as well."""

    async def tell(site: Site) -> None:
        await site.sign_in()
        id_ = (await site.person()).user_id
        await site.access.users.set_grants(id_, [LEAD], actor="test", granted_by=id_)
        await site.sign_in()
        assert (LEAD,) == await site.access.store.grants(id_)

    story(tell)


TOO_MANY: list[dict[str, Any]] = [
    {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://graph.example.org"}}},
    {"hasgroups": True},
    {"hasgroups": "true"},
]


@pytest.mark.parametrize("claims", TOO_MANY)
def test_too_many_groups_bring_no_role(claims: dict[str, Any]) -> None:
    """When the provider leaves the groups out, the sign-in says what to do, and roles of earlier groups are gone."""

    async def tell(site: Site) -> None:
        site.provider.claims = {"groups": ["staff"]}
        await site.sign_in()
        id_ = (await site.person()).user_id
        await site.access.store.revoke_sessions_of(id_)
        site.provider.claims = claims
        with pytest.raises(TooManyGroups, match=r"more groups than .* application roles, or only the groups"):
            await site.sign_in()
        assert () == await site.access.store.grants(id_)
        assert ["too_many_groups"] == await site.reasons()

    story(tell)


def test_too_many_groups_do_not_matter_beside_a_role_by_hand() -> None:
    """Somebody with a role by hand signs in whatever the groups are."""

    async def tell(site: Site) -> None:
        await site.sign_in()
        id_ = (await site.person()).user_id
        await site.access.users.set_grants(id_, [LEAD], actor="test")
        site.provider.claims = TOO_MANY[0]
        finished = await site.sign_in()
        assert (LEAD,) == (await site.access.signin.who(finished.session.token)).grants

    story(tell)


def test_application_roles_never_overflow() -> None:
    """With another claim configured, its values are the groups, and what is said of too many groups is beside it."""

    async def tell(site: Site) -> None:
        site.provider.claims = {"roles": ["staff"], **TOO_MANY[0], **TOO_MANY[1]}
        await site.sign_in()
        assert (VIEWER,) == await site.access.store.grants((await site.person()).user_id)

    story(tell, group_claim="roles")


def test_disabled_users_are_refused() -> None:
    """A disabled user stays out, whatever the provider says, and nothing about the user changes."""

    async def tell(site: Site) -> None:
        await site.sign_in()
        user = await site.person()
        await site.access.users.set_active(user.user_id, is_active=False, actor="test")
        site.provider.claims = {"name": "Somebody Else", "groups": ["staff"]}
        with pytest.raises(AccountDisabled, match="disabled"):
            await site.sign_in()
        assert () == await site.access.store.grants(user.user_id)
        assert "Ada Lovelace" == (await site.person()).display_name
        (failed, *_) = await site.access.store.entries()
        assert (f"user:{user.user_id}", "sign_in.failed") == (failed.actor, failed.action)

    story(tell)


def test_an_address_opens_no_other_account() -> None:
    """A new person with the address of an existing account is refused, until that account is disabled; roles stay."""

    async def tell(site: Site) -> None:
        local = await site.access.users.add(
            email=EMAIL, password="correct horse battery", grants=[Grant(role=Role.PLATFORM_ADMIN)], actor="test"
        )
        await refused(site, AddressTaken, "Another account .* disable that account")
        admin = [Grant(role=Role.PLATFORM_ADMIN)]
        await site.access.users.add(email="b@x", password="correct horse battery", grants=admin, actor="test")
        await site.access.users.set_active(local.user_id, is_active=False, actor="test")
        finished = await site.sign_in()
        assert () == (await site.access.signin.who(finished.session.token)).grants
        before = await site.access.store.user(local.user_id)
        assert before is not None
        assert f"{local.user_id}@released.invalid" == before.email

    story(tell)


def test_a_known_person_keeps_the_old_address_while_the_new_one_is_taken() -> None:
    """Nobody is locked out because an address is another account's."""

    async def tell(site: Site) -> None:
        await site.sign_in()
        await site.access.users.add(
            email="other@example.org", password="correct horse battery", grants=[VIEWER], actor="test"
        )
        site.provider.claims = {"email": "other@example.org", "name": "Ada K"}
        await site.sign_in()
        assert "Ada K" == (await site.person()).display_name

    story(tell)


def test_two_first_sign_ins_at_once_make_one_user() -> None:
    """Two tabs of a new person both get in."""

    async def tell(site: Site) -> None:
        one, two = await site.returned(), await site.returned()
        await asyncio.gather(site.oidc.finish(one), site.oidc.finish(two))
        assert 1 == len(await site.access.store.users())

    story(tell)


def test_accounts_without_a_mailbox_are_called_by_their_sign_in_name() -> None:
    """Without an e-mail claim the sign-in name serves, as Entra ID sends it."""

    async def tell(site: Site) -> None:
        site.provider.claims = {"email": None, "preferred_username": EMAIL.upper()}
        await site.sign_in()
        assert EMAIL == (await site.person()).email

    story(tell)


@pytest.mark.parametrize("address", [None, "", "no address", "a b@example.org", 7, "a@b\x00"])
def test_nobody_is_added_without_an_address(address: object) -> None:
    """When no claim holds an address the refusal says which one to add."""

    async def tell(site: Site) -> None:
        site.provider.claims = {"email": address}
        await refused(site, AddressMissing, "add the claim email")

    story(tell)


def test_claims_may_lie_beside_the_token() -> None:
    """A provider that keeps claims out of its tokens is asked for them; those of the token come first."""

    async def tell(site: Site) -> None:
        site.provider.claims = {"email": None, "name": "Of The Token"}
        site.provider.userinfo = {"sub": "subject-1", "email": EMAIL, "name": "Other", "groups": ["staff"], "exp": 0}
        await site.sign_in()
        user = await site.person()
        assert ("Of The Token", (VIEWER,)) == (user.display_name, await site.access.store.grants(user.user_id))
        site.provider.userinfo["sub"] = "subject-2"
        with pytest.raises(InvalidIdToken, match="two people"):
            await site.sign_in()

    story(tell)


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"nonce": "another"}, "another sign-in"),
        ({"nonce": None}, "another sign-in"),
        ({"nonce": ["x"]}, "another sign-in"),
        ({"nonce": "\ud800"}, "another sign-in"),
        ({"iss": "https://login.example.org/other"}, "another issuer"),
        ({"iss": ISSUER + "/"}, "another issuer"),
        ({"iss": None}, "another issuer"),
        ({"aud": "another-application"}, "for another application"),
        ({"aud": None}, "for another application"),
        ({"aud": []}, "for another application"),
        ({"aud": [CLIENT_ID, "another"]}, "issued to another application"),
        ({"aud": [CLIENT_ID, "another"], "azp": "another"}, "issued to another application"),
        ({"azp": "another"}, "issued to another application"),
        ({"sub": None}, "whom it is about"),
        ({"sub": ""}, "whom it is about"),
        ({"sub": 7}, "whom it is about"),
        ({"exp": None}, "lacks the time exp"),
        ({"exp": True}, "lacks the time exp"),
        ({"exp": "2999"}, "lacks the time exp"),
        ({"exp": 10**400}, "lacks the time exp"),
        ({"iat": None}, "lacks the time iat"),
        ({"nbf": "now"}, "lacks the time nbf"),
    ],
)
def test_a_token_that_is_not_for_this_sign_in_is_refused(claims: dict[str, Any], words: str) -> None:
    """A token of another sign-in, issuer or application, or without what it must say, opens nothing."""

    async def tell(site: Site) -> None:
        site.provider.claims = claims
        await refused(site, InvalidIdToken, words)

    story(tell)


@pytest.mark.parametrize(
    ("claim", "seconds", "words"),
    [
        ("exp", -121, "expired"),
        ("exp", -120, "expired"),
        ("exp", -119, None),
        ("iat", 121, "not yet valid"),
        ("iat", 119, None),
        ("iat", -1019, None),
        ("iat", -1021, "too long ago"),
        ("nbf", 121, "not yet valid"),
        ("nbf", -300, None),
    ],
)
def test_a_token_counts_in_its_time_only(claim: str, seconds: int, words: str | None) -> None:
    """Times count to the second, with two minutes for clocks that differ and fifteen for the age of a token."""

    async def tell(site: Site) -> None:
        site.provider.claims = {claim: int(site.access.clock.now().timestamp()) + seconds}
        if words is None:
            await site.sign_in()
        else:
            await refused(site, InvalidIdToken, words)

    story(tell)


def test_several_audiences_need_an_authorised_party() -> None:
    """A token for us and others is taken when it was issued to us."""

    async def tell(site: Site) -> None:
        site.provider.claims = {"aud": ["another", CLIENT_ID], "azp": CLIENT_ID}
        await site.sign_in()

    story(tell)


def test_a_code_works_once() -> None:
    """The same answer a second time is refused by the provider, and opens no second session."""

    async def tell(site: Site) -> None:
        returned = await site.returned()
        await site.oidc.finish(returned)
        with pytest.raises(ProviderRefused, match="over already"):
            await site.oidc.finish(returned)
        assert ["identity_provider_refused"] == await site.reasons()

    story(tell)


def test_a_code_of_another_browser_is_refused() -> None:
    """A stolen code does not pass with another browser's state: the provider misses the verifier it was asked with."""

    async def tell(site: Site) -> None:
        stolen, own = await site.returned(), await site.returned()
        with pytest.raises(ProviderRefused):
            await site.oidc.finish(replace(own, code=stolen.code))
        with pytest.raises(SignInExpired, match="not begun in this browser"):
            await site.oidc.finish(replace(stolen, sealed=own.sealed))
        with pytest.raises(SignInExpired):
            await site.oidc.finish(replace(stolen, sealed=None))
        assert ["sign_in_expired", "sign_in_expired", "identity_provider_refused"] == await site.reasons()

    story(tell)


@pytest.mark.parametrize("sealed", ["", ".", "x.y", "e30.", "\ud800.x", "e30.é", "a" * 5000])
def test_no_other_text_is_a_state(sealed: str) -> None:
    """What the platform did not seal is no sign-in under way, and breaks nothing."""

    async def tell(site: Site) -> None:
        with pytest.raises(SignInExpired):
            await site.oidc.finish(Returned(state="x", code="c", sealed=sealed))

    story(tell)


def test_a_changed_state_is_refused() -> None:
    """Where a person goes on to cannot be changed from outside, nor the time extended."""

    async def tell(site: Site) -> None:
        returned = await site.returned()
        assert returned.sealed is not None
        fields = {"seed": "AAAA", "wanted": "https://evil.example", "until": 4102444800}
        body = urlsafe_b64encode(json.dumps(fields).encode()).decode().rstrip("=")
        with pytest.raises(SignInExpired):
            await site.oidc.finish(replace(returned, sealed=f"{body}.{returned.sealed.partition('.')[2]}"))

    story(tell)


def test_a_state_lasts_ten_minutes() -> None:
    """Whoever comes back after ten minutes begins again."""

    async def tell(site: Site) -> None:
        returned = await site.returned()
        site.access.clock.forward(minutes=9, seconds=59)
        late = await site.returned()
        await site.oidc.finish(returned)
        site.access.clock.forward(minutes=10)
        with pytest.raises(SignInExpired):
            await site.oidc.finish(late)

    story(tell)


def test_a_rotated_session_key_still_opens_a_state() -> None:
    """Sign-ins that are under way while the session key is rotated come to their end."""

    async def tell(site: Site) -> None:
        returned = await site.returned()
        site.secrets.put("session_key.previous", b"k" * 32)
        site.secrets.put("session_key", b"n" * 32)
        await site.oidc.finish(returned)

    story(tell)


def test_a_long_way_on_is_forgotten() -> None:
    """An address that fits in no cookie leads to the start page."""

    async def tell(site: Site) -> None:
        begun = await site.oidc.begin("/" + "x" * 2000)
        assert "/" == (await site.oidc.finish(await site.returned(begun))).wanted
        assert len((await site.oidc.begin("/" + "x" * 1023)).sealed) < 4000

    story(tell)


@pytest.mark.parametrize(
    ("error", "words"),
    [("access_denied", "declined"), ("server_error", "error of its own"), ("<b>pay here</b>", "did not sign you in")],
)
def test_the_providers_refusals_are_told_in_our_words(error: str, words: str) -> None:
    """What the provider's answer says is not repeated; anybody could have written it."""

    async def tell(site: Site) -> None:
        returned = replace(await site.returned(), error=error)
        with pytest.raises(ProviderRefused, match=words) as caught:
            await site.oidc.finish(returned)
        assert "pay" not in str(caught.value)

    story(tell)


def test_an_answer_of_another_provider_is_refused() -> None:
    """An answer that names its issuer must name ours (RFC 9207)."""

    async def tell(site: Site) -> None:
        with pytest.raises(InvalidIdToken, match="another identity provider"):
            await site.oidc.finish(replace(await site.returned(), issuer="https://evil.example"))
        await site.oidc.finish(replace(await site.returned(), issuer=ISSUER))

    story(tell)


def test_unsigned_tokens_are_refused() -> None:
    """A token that says it needs no signature, in any spelling, is refused."""

    async def tell(site: Site) -> None:
        for algorithm in ("none", "None", "NONE", "nOnE", ""):
            site.provider.token = lambda claims, name=algorithm: unsigned(claims, algorithm=name)
            await refused(site, InvalidIdToken, "algorithm is not allowed|no signed token")

    story(tell)


def test_the_public_key_is_no_password() -> None:
    """A token that an attacker signed with HMAC, with the published key as the password, is refused."""

    async def tell(site: Site) -> None:
        pem = rsa_key("one").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

        def forged(claims: dict[str, Any]) -> str:
            header = urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT","kid":"one"}').decode().rstrip("=")
            body = urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
            mark = hmac.new(pem, f"{header}.{body}".encode(), sha256).digest()
            return f"{header}.{body}.{urlsafe_b64encode(mark).decode().rstrip('=')}"

        site.provider.token = forged
        await refused(site, InvalidIdToken, "algorithm is not allowed")
        assert 0 == site.provider.asked["/keys"]

    story(tell)


def test_a_token_of_another_key_is_refused() -> None:
    """A token signed by somebody else who borrows the name of the provider's key is refused."""

    async def tell(site: Site) -> None:
        site.provider.token = lambda claims: jwt.encode(
            claims, rsa_key("evil"), algorithm="RS256", headers={"kid": "one"}
        )
        await refused(site, InvalidIdToken, "signature is not the provider's")

    story(tell)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "a.b", "." * 10, "x" * 100_000, "é.é.é"])
def test_no_other_text_is_a_token(token: str) -> None:
    """Text that is no signed token opens nothing and breaks nothing."""

    async def tell(site: Site) -> None:
        site.provider.token = lambda _: token
        await refused(site, InvalidIdToken, "no signed token|too long")

    story(tell)


def test_rotated_keys_are_found() -> None:
    """A new key of the provider counts at once, of another kind too; a withdrawn one counts no more."""

    async def tell(site: Site) -> None:
        await site.sign_in()
        assert 1 == site.provider.asked["/keys"]
        site.access.clock.forward(seconds=10)
        site.provider.rotate("two", ec_key("two"))
        await site.sign_in()
        assert 2 == site.provider.asked["/keys"]
        site.provider.token = lambda claims: jwt.encode(
            claims, rsa_key("one"), algorithm="RS256", headers={"kid": "one"}
        )
        with pytest.raises(InvalidIdToken, match="does not publish"):
            await site.sign_in()

    story(tell)


def test_a_withdrawn_key_is_forgotten_within_the_hour() -> None:
    """Without any unknown key the list is fetched anew after an hour, so that a withdrawn key opens nothing."""

    async def tell(site: Site) -> None:
        await site.sign_in()
        site.provider.published = [public_jwk(ec_key("two"), "two")]
        site.access.clock.forward(minutes=59)
        await site.sign_in()
        site.access.clock.forward(minutes=1)
        with pytest.raises(InvalidIdToken, match="does not publish"):
            await site.sign_in()

    story(tell)


def test_a_storm_of_unknown_keys_makes_one_look() -> None:
    """However many tokens name keys that nobody has, the provider is asked once in ten seconds."""

    async def tell(site: Site) -> None:
        await site.sign_in()
        site.access.clock.forward(seconds=10)
        returned = [await site.returned() for _ in range(50)]
        names = iter(range(50))
        site.provider.token = lambda claims: jwt.encode(
            claims, rsa_key("one"), algorithm="RS256", headers={"kid": f"unknown-{next(names)}"}
        )
        answers = await asyncio.gather(*(site.oidc.finish(each) for each in returned), return_exceptions=True)
        assert [InvalidIdToken] * 50 == [type(answer) for answer in answers]
        assert 2 == site.provider.asked["/keys"]

    story(tell)


def test_unknown_keys_while_the_provider_is_away_make_one_attempt() -> None:
    """An attempt that fails counts as a look, and what is known goes on working."""

    async def tell(site: Site) -> None:
        await site.sign_in()
        site.access.clock.forward(seconds=10)
        site.provider.broken["/keys"] = httpx.ConnectError("away")
        for kind in (ProviderUnavailable, InvalidIdToken, InvalidIdToken):
            site.provider.key_id = "unknown"
            with pytest.raises(kind):
                await site.sign_in()
        assert 2 == site.provider.asked["/keys"]
        site.provider.key_id = "one"
        await site.sign_in()

    story(tell)


@pytest.mark.parametrize(
    "keys",
    [
        [public_jwk(rsa_key("one"), "one", use="enc")],
        [public_jwk(rsa_key("one"), "one", alg="PS256")],
        [{**public_jwk(rsa_key("one"), "one"), "kty": "oct", "k": "c2VjcmV0"}],
        [{"kid": "one"}, {"kty": ["RSA"], "kid": "one"}, {"kty": "EC", "crv": "P-256", "kid": "one"}],
        [],
    ],
)
def test_keys_for_something_else_are_not_used(keys: list[dict[str, Any]]) -> None:
    """A key for encryption, for another algorithm or of another kind verifies nothing."""

    async def tell(site: Site) -> None:
        site.provider.published = keys
        await refused(site, InvalidIdToken, "does not publish")

    story(tell)


@pytest.mark.parametrize("key", [{"kty": "RSA", "kid": "one"}, {"kty": "RSA", "kid": "one", "n": "!", "e": 1}])
def test_a_broken_key_breaks_nothing(key: dict[str, Any]) -> None:
    """A key that lacks its numbers is as good as none."""

    async def tell(site: Site) -> None:
        site.provider.published = [key]
        await refused(site, InvalidIdToken, "not the provider's")

    story(tell)


def test_a_token_need_not_name_the_only_key() -> None:
    """Without a name the one key that fits is taken; of several, none."""

    async def tell(site: Site) -> None:
        site.provider.key_id = None
        await site.sign_in()
        site.provider.published.append(public_jwk(rsa_key("evil"), "other"))
        site.access.clock.forward(hours=1)
        with pytest.raises(InvalidIdToken, match="which of the provider's keys"):
            await site.sign_in()

    story(tell)


@pytest.mark.parametrize(
    ("description", "words"),
    [
        ({"issuer": ISSUER + "/"}, r"calls itself .*tenant/'.* OIDC_ISSUER_URL"),
        ({"issuer": "https://login.example.org/{tenantid}"}, "address of your own tenant"),
        ({"issuer": None}, "calls itself None"),
        ({"token_endpoint": "http://login.example.org/token"}, "names no token_endpoint under https"),
        ({"authorization_endpoint": None}, "names no authorization_endpoint"),
        ({"jwks_uri": 7}, "names no jwks_uri"),
    ],
)
def test_discovery_is_checked(description: dict[str, Any], words: str) -> None:
    """A provider that calls itself otherwise than configured, or names unprotected places, is not used."""

    async def tell(site: Site) -> None:
        site.provider.description = description
        with pytest.raises(ProviderUnavailable, match=words):
            await site.oidc.begin("/")

    story(tell)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ConnectError("secret words"),
        httpx.ReadTimeout("secret words"),
        httpx.Response(302, headers={"location": "https://evil.example/"}),
        httpx.Response(500),
        httpx.Response(429),
        httpx.Response(404),
        httpx.Response(200, content=b"<html>"),
        httpx.Response(200, content=b"[" * 100_000),
        httpx.Response(200, content=b'"' + b"x" * 600_000 + b'"'),
    ],
)
def test_a_provider_that_does_not_answer_as_it_must_is_away(answer: httpx.Response | Exception) -> None:
    """Errors, redirects, other things than JSON and endless bodies are all told as the provider being away."""

    async def tell(site: Site) -> None:
        site.provider.broken["/tenant/.well-known/openid-configuration"] = answer
        with pytest.raises(ProviderUnavailable) as caught:
            await site.oidc.begin("/")
        assert "secret" not in str(caught.value)
        site.provider.broken.clear()
        await site.sign_in()

    story(tell)


def test_the_description_is_fetched_once_an_hour() -> None:
    """A hundred sign-ins at once look for the provider once."""

    async def tell(site: Site) -> None:
        await asyncio.gather(*(site.oidc.begin("/") for _ in range(100)))
        site.access.clock.forward(minutes=59)
        await site.oidc.begin("/")
        assert 1 == site.provider.asked["/tenant/.well-known/openid-configuration"]
        site.access.clock.forward(minutes=1)
        await site.oidc.begin("/")
        assert 2 == site.provider.asked["/tenant/.well-known/openid-configuration"]

    story(tell)


@pytest.mark.parametrize("methods", [None, ["client_secret_basic"], ["client_secret_post", "private_key_jwt"]])
def test_the_client_secret_goes_as_the_provider_wants_it(methods: list[str] | None) -> None:
    """In the header, which is the standard's default, or in the form, for a provider that takes it only there."""

    async def tell(site: Site) -> None:
        site.provider.description = {"token_endpoint_auth_methods_supported": methods}
        await site.sign_in()

    story(tell)


def test_the_client_secret_is_rotated_with_an_overlap() -> None:
    """While the provider knows one of the two secrets sign-in works; with neither, it says which file to mend."""

    async def tell(site: Site) -> None:
        site.secrets.put("oidc_client_secret", b"new")
        site.secrets.put("oidc_client_secret.previous", CLIENT_SECRET.encode())
        await site.sign_in()
        site.provider.secrets = ("new",)
        await site.sign_in()
        site.provider.secrets = ("newer",)
        with pytest.raises(ProviderUnavailable, match="oidc_client_secret") as caught:
            await site.sign_in()
        assert not [word for word in ("new", CLIENT_SECRET) if word in str(caught.value).split()]

    story(tell)


def test_a_missing_client_secret_is_told() -> None:
    """Without its client secret the platform says which file is missing, not where it lies."""

    async def tell(site: Site) -> None:
        site.secrets.put("oidc_client_secret", b"")
        await refused(site, ProviderUnavailable, "has no client secret .* oidc_client_secret$")

    story(tell)


def test_no_id_token_no_session() -> None:
    """A provider that redeems a code for something else than an ID token is told from one that refuses."""

    async def tell(site: Site) -> None:
        site.provider.broken["/token"] = httpx.Response(200, json={"access_token": "access-token"})
        with pytest.raises(SignInRefused, match="OIDC_SCOPES must hold openid"):
            await site.sign_in()

    story(tell)


def test_the_way_out_of_the_provider() -> None:
    """Signing out at the provider is offered where it can be; an absent provider does not hinder signing out here."""

    async def tell(site: Site) -> None:
        assert "https://login.example.org/sign-out?client_id=dpp+at+acme" == await site.oidc.sign_out_url()
        site.access.clock.forward(hours=2)
        site.provider.description = {"end_session_endpoint": None}
        assert await site.oidc.sign_out_url() is None
        site.provider.broken["/tenant/.well-known/openid-configuration"] = httpx.ConnectError("away")
        assert await site.process().sign_out_url() is None

    story(tell)


def test_the_record_holds_ids_and_reasons_only() -> None:
    """The audit log tells arrivals, roles and sign-ins by user id, without names, addresses or tokens."""

    async def tell(site: Site) -> None:
        site.provider.claims = {"groups": ["staff"]}
        await site.sign_in()
        site.provider.claims = {"nonce": "another"}
        with pytest.raises(InvalidIdToken):
            await site.sign_in()
        entries = await site.access.store.entries()
        actor = f"user:{(await site.person()).user_id}"
        assert [
            ("unknown", "sign_in.failed"),
            (actor, "sign_in"),
            (actor, "user.roles_mapped"),
            (actor, "user.added"),
        ] == [(entry.actor, entry.action) for entry in entries]
        assert not [word for word in (EMAIL, "Ada", "staff", "subject-1", "code-", "ey") if word in repr(entries)]

    story(tell)


def test_sessions_last_as_long_as_those_by_password() -> None:
    """A session of either kind ends eight hours after the sign-in."""

    async def tell(site: Site) -> None:
        assert site.access.clock.now() + timedelta(hours=8) == (await site.sign_in()).session.expires_at

    story(tell)

"""The CDEvents that are ignored on purpose, each with its reason; all others are read or unknown."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

PART_OF_A_RUN = "the pipeline run that it belongs to is read"
IGNORED_EXTENSION = "events of one tool's own are not measured"

_CODE = "the code host tells of changes, branches and repositories"
_BUILDS = "pipeline runs tell of builds"
_TESTS = "single tests are not measured"
_NOT_YET = "nothing has begun yet"

#: Subjects of which every event that is not read is ignored.
IGNORED_SUBJECTS: Mapping[str, str] = MappingProxyType(
    {
        "change": _CODE,
        "branch": _CODE,
        "repository": _CODE,
        "build": _BUILDS,
        "artifact": "an artefact changes nothing before it is deployed",
        "environment": "environments are configured",
        "testcaserun": _TESTS,
        "testsuiterun": _TESTS,
        "testcase": _TESTS,
        "testsuite": _TESTS,
        "testoutput": _TESTS,
        "ticket": "work items come from the issue tracker",
    }
)

#: Single events, by subject and predicate.
IGNORED_EVENTS: Mapping[str, str] = MappingProxyType(
    {
        "service.removed": "a service that is gone changes no figure",
        "service.published": "its deployment is read",
        "pipelinerun.queued": _NOT_YET,
        "taskrun.queued": _NOT_YET,
    }
)

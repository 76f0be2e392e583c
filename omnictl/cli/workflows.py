"""The workflows that ``omnictl init --ci`` writes: what needs no secret runs always, the rest where there is one."""

from omnictl.state.location import EXTRAS, Location, credentials_of

_GITHUB = """\
# Checks every pull request; shows the plan where the repository has a key.
#   settings > secrets:   INFOBIP_API_KEY
#   settings > variables: INFOBIP_BASE_URL, such as https://xxxxx.api.infobip.com
name: omnictl
on:
  pull_request:
  push:
    branches: [main]
permissions:
  contents: read
jobs:
  validate: # no credentials, no network: safe for pull requests from forks
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.11"
      - run: pip install omnictl
      - run: omnictl validate
      - run: omnictl fmt --check --diff

  plan:
    needs: validate
    runs-on: ubuntu-latest
    env:
      INFOBIP_BASE_URL: ${{ vars.INFOBIP_BASE_URL }}
      INFOBIP_API_KEY: ${{ secrets.INFOBIP_API_KEY }} # empty in forks: the steps below are skipped
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.11"
@STORE@      - run: pip install @PACKAGE@
      - if: env.INFOBIP_API_KEY != ''
        run: omnictl plan --report markdown=plan.md
      - if: always() && env.INFOBIP_API_KEY != '' && hashFiles('plan.md') != ''
        run: cat plan.md >> "$GITHUB_STEP_SUMMARY"

"""

_GITHUB_APPLY = """\
  # Apply after the merge. The state remembers the key of every scenario and must outlive the job. Best it lives in a
  # store (`state: s3://bucket/omnictl/` in the environment, docs/backends.md has more; nothing is committed then), or
  # in git: set `state_in_git: true` in the environment, and let the job commit state/. Two applies must never run at
  # a time, hence the group. An environment with `production: true` has to be named: --env NAME --yes --confirm NAME.
  # With --yes-if-safe instead of --yes, a plan that is not safe waits for a person.
  # apply:
  #   if: github.event_name == 'push'
  #   needs: validate
  #   runs-on: ubuntu-latest
  #   concurrency: {group: omnictl-apply, cancel-in-progress: false}
  #   permissions:
  #     contents: write
  #   env:
  #     INFOBIP_BASE_URL: ${{ vars.INFOBIP_BASE_URL }}
  #     INFOBIP_API_KEY: ${{ secrets.INFOBIP_API_KEY }}
  #   steps:
  #     - uses: actions/checkout@v4
  #       with:
  #         ref: ${{ github.ref_name }} # the newest state, not the one of the merged commit
  #     - uses: actions/setup-python@v5
  #       with:
  #         python-version: "3.11"
  #     - run: pip install omnictl
  #     - run: omnictl apply --yes
  #     - if: always()
  #       run: |
  #         git config user.name omnictl
  #         git config user.email omnictl@users.noreply.github.com
  #         git add state
  #         git diff --cached --quiet && exit 0
  #         git commit -m "Remember what was applied [skip ci]"
  #         git pull --rebase
  #         git push
  #     - uses: actions/upload-artifact@v4 # the keys, where they could not be pushed
  #       if: failure() || cancelled()
  #       with:
  #         name: state
  #         path: |
  #           state
  #           .omnictl/errored
  #         include-hidden-files: true
"""

_GITHUB_STORE_APPLY = """\
  # Apply after the merge. The state is in a store that every job reaches, and its lock keeps two applies apart. This
  # job needs the right to write there. An environment with `production: true` has to be named: --env NAME --yes
  # --confirm NAME. With --yes-if-safe instead of --yes, a plan that is not safe waits for a person.
  # apply:
  #   if: github.event_name == 'push'
  #   needs: validate
  #   runs-on: ubuntu-latest
  #   concurrency: {group: omnictl-apply, cancel-in-progress: false}
  #   env:
  #     INFOBIP_BASE_URL: ${{ vars.INFOBIP_BASE_URL }}
  #     INFOBIP_API_KEY: ${{ secrets.INFOBIP_API_KEY }}
  #   steps:
  #     - uses: actions/checkout@v4
  #     - uses: actions/setup-python@v5
  #       with:
  #         python-version: "3.11"
  #     - run: pip install @PACKAGE@
  #     - run: omnictl apply --yes --lock-timeout 10m
  #     - uses: actions/upload-artifact@v4 # a state that could not be stored
  #       if: failure() || cancelled()
  #       with:
  #         name: errored
  #         path: .omnictl/errored
  #         include-hidden-files: true
"""

_GITLAB = """\
# Checks every merge request; shows the plan where the project has a key.
#   settings > CI/CD > variables: INFOBIP_BASE_URL, such as https://xxxxx.api.infobip.com, and INFOBIP_API_KEY (masked)
stages: [validate, plan, apply]

default:
  image: python:3.11
  before_script:
    - pip install @PACKAGE@

workflow:
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH

validate: # no credentials, no network: safe for merge requests from forks
  stage: validate
  script:
    - omnictl validate
    - omnictl fmt --check --diff

plan:
  stage: plan
  rules:
    - if: $INFOBIP_API_KEY
@STORE@  script:
    - omnictl plan --report markdown=plan.md
  artifacts:
    when: always
    expose_as: plan
    paths: [plan.md]

"""

_GITLAB_APPLY = """\
# Apply after the merge. The state remembers the key of every scenario and must outlive the job. Best it lives in a
# store (GitLab's own: `state: https://…/api/v4/projects/ID/terraform/state/` in the environment, docs/backends.md has
# more; nothing is committed then), or in git: set `state_in_git: true` in the environment, and let the job commit
# state/ with a token that may push. Two applies must never run at a time, hence the resource group. An environment with
# `production: true` has to be named: --env NAME --yes --confirm NAME. With --yes-if-safe instead of --yes, a plan
# that is not safe waits for a person.
# apply:
#   stage: apply
#   resource_group: omnictl-apply
#   rules:
#     - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH && $INFOBIP_API_KEY
#   script:
#     - git fetch origin "$CI_DEFAULT_BRANCH" && git checkout -B "$CI_DEFAULT_BRANCH" "origin/$CI_DEFAULT_BRANCH"
#     - omnictl apply --yes
#   after_script: # STATE_TOKEN is a project access token that may push
#     - git config user.name omnictl
#     - git config user.email omnictl@example.com
#     - git add state
#     - git diff --cached --quiet || git commit -m "Remember what was applied"
#     - git pull --rebase origin "$CI_DEFAULT_BRANCH"
#     - git remote set-url --push origin "https://omnictl:${STATE_TOKEN}@${CI_SERVER_HOST}/${CI_PROJECT_PATH}.git"
#     - git push -o ci.skip origin "HEAD:${CI_DEFAULT_BRANCH}"
#   artifacts: # the keys, where they could not be pushed
#     when: always
#     paths: [state, .omnictl/errored]
"""

_GITLAB_STORE_APPLY = """\
# Apply after the merge. The state is in a store that every job reaches, and its lock keeps two applies apart. This job
# needs the right to write there. An environment with `production: true` has to be named: --env NAME --yes
# --confirm NAME. With --yes-if-safe instead of --yes, a plan that is not safe waits for a person.
# apply:
#   stage: apply
#   resource_group: omnictl-apply
#   rules:
#     - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH && $INFOBIP_API_KEY
#   script:
#     - omnictl apply --yes --lock-timeout 10m
#   artifacts: # a state that could not be stored
#     when: always
#     paths: [.omnictl/errored]
"""

_STORE = """\
@INDENT@# The state is in a store, which the job must reach by a credential of the CI system:
@INDENT@# @WAY@.
@INDENT@# A whole pipeline for each store lies in examples/pipelines of omnictl.
"""

SERVICES = ("github", "gitlab")


def make_workflow(service: str, store: Location | None) -> tuple[str, str]:
    """Return the file and its text; ``store`` is where the state is, None for a file."""
    if service == "github":
        path, text, apply, indent = ".github/workflows/omnictl.yml", _GITHUB, _GITHUB_APPLY, "      "
        apply = apply if store is None else _GITHUB_STORE_APPLY
    else:
        path, text, apply, indent = ".gitlab-ci.yml", _GITLAB, _GITLAB_APPLY, "  "
        apply = apply if store is None else _GITLAB_STORE_APPLY
    extra = EXTRAS.get(store.scheme) if store else None
    package = f"'omnictl[{extra}]'" if extra else "omnictl"
    told = "" if store is None else _STORE.replace("@WAY@", credentials_of(store.scheme)).replace("@INDENT@", indent)
    return path, (text + apply).replace("@STORE@", told).replace("@PACKAGE@", package)

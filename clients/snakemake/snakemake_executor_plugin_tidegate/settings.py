"""The settings of the executor, which Snakemake offers as options `--tidegate-…`."""

from dataclasses import dataclass, field
from typing import Optional

from snakemake_interface_executor_plugins.settings import CommonSettings, ExecutorSettingsBase

from snakemake_executor_plugin_tidegate.submission import DEFAULT_TIMEOUT_SECONDS, DEFAULT_TYPE

common_settings = CommonSettings(
    non_local_exec=True,
    implies_no_shared_fs=False,
    job_deploy_sources=False,
    # A job's parameters are shown to everybody who may read the job, so no value of a variable goes there.
    pass_envvar_declarations_to_cmd=False,
    auto_deploy_default_storage_provider=False,
)


@dataclass
class ExecutorSettings(ExecutorSettingsBase):  # type: ignore[misc] # Snakemake publishes no types
    """The deployment that runs the rules, and how a rule becomes a job."""

    # Snakemake makes options of these types, and knows Optional alone.
    api_url: Optional[str] = field(
        default=None,
        metadata={
            "help": "The stack's output ApiUrl.",
            "env_var": True,
            "required": True,
        },
    )
    region: Optional[str] = field(
        default=None, metadata={"help": "AWS region of the API, to sign requests with AWS credentials."}
    )
    aws_profile: Optional[str] = field(default=None, metadata={"help": "AWS profile to sign with."})
    type: str = field(
        default=DEFAULT_TYPE, metadata={"help": "Job type that runs a rule: a target of the deployment."}
    )
    pool: Optional[str] = field(default=None, metadata={"help": "Pool for all rules; a pool of workers."})
    cores: Optional[str] = field(
        default=None,
        metadata={
            "help": "Capabilities by threads, such as 4=large,16=huge: a rule with 4 threads or more requires "
            "large, one with 16 or more huge."
        },
    )
    timeout_seconds: int = field(
        default=DEFAULT_TIMEOUT_SECONDS,
        metadata={"help": "Time limit of a rule that has no resource `runtime` (minutes)."},
    )

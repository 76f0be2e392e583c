"""``omnictl completion``: the script that teaches a shell to complete omnictl."""

import click
from click.shell_completion import get_completion_class

from omnictl.cli.completing import VARIABLE
from omnictl.cli.context import get_session
from omnictl.cli.exit_codes import ExitCode
from omnictl.cli.options import global_options

SHELLS = ("bash", "zsh", "fish", "powershell")

_POWERSHELL = """\
Register-ArgumentCompleter -Native -CommandName omnictl -ScriptBlock {
    param($word, $ast, $position)
    $env:_OMNICTL_COMPLETE = "bash_complete"
    $env:COMP_WORDS = $ast.ToString()
    $count = $ast.CommandElements.Count
    $env:COMP_CWORD = if ($word) { $count - 1 } else { $count }
    omnictl | ForEach-Object {
        $parts = $_ -split ",", 2
        if ($parts[0] -eq "plain") {
            [System.Management.Automation.CompletionResult]::new($parts[1], $parts[1], "ParameterValue", $parts[1])
        }
    }
    Remove-Item Env:_OMNICTL_COMPLETE, Env:COMP_WORDS, Env:COMP_CWORD
}
"""


@click.command("completion", epilog='Example: eval "$(omnictl completion bash)"')
@click.argument("shell", type=click.Choice(SHELLS))
@global_options
@click.pass_context
def command(ctx: click.Context, shell: str) -> int:
    """Write the completion script of a shell. Ids come from files and state, never from the network."""
    output = get_session(ctx).output
    if shell == "powershell":
        output.result(_POWERSHELL)
        return ExitCode.OK
    made = get_completion_class(shell)
    if made is None:
        raise click.UsageError(f"There is no completion for {shell}.", ctx)
    output.result(made(ctx.find_root().command, {}, "omnictl", VARIABLE).source())
    return ExitCode.OK

"""The command palette: every command of the table, found by any of its words, with its key."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar, cast

from textual.binding import Binding, BindingType
from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from brain.cleaning import one_line
from tui import keys, texts

if TYPE_CHECKING:
    from tui.app import BrainApp


_MODELS = "Models"


class Commands(Provider):
    """The commands of tui.keys for Textual's palette."""

    async def discover(self) -> Hits:
        """All of them, before anything is typed."""
        for command in self._commands():
            label = self._label(command)
            yield DiscoveryHit(_shown(command, label, self._key(command)), partial(self._do, command), label)

    async def search(self, query: str) -> Hits:
        """Those that match."""
        matcher = self.matcher(query)
        for command in self._commands():
            label = self._label(command)
            score = matcher.match(f"{command.group} {label}")
            if score > 0:
                yield Hit(score, _shown(command, label, self._key(command)), partial(self._do, command), label)

        for choice in cast("BrainApp", self.app).choices:
            label = texts.MODEL_USE.format(name=one_line(choice.name))
            score = matcher.match(f"{_MODELS} {label}")
            if score > 0:
                use = partial(cast("BrainApp", self.app).use_model, choice.name)
                yield Hit(score, Content.assemble((f"{_MODELS:<9}", "dim"), label), use, label)

    def _commands(self) -> list[keys.Command]:
        return [command for command in keys.COMMANDS if command.palette and command.id != "help.palette"]

    def _label(self, command: keys.Command) -> str:
        return command.back if command.back and cast("BrainApp", self.app).is_done(command) else command.label

    def _key(self, command: keys.Command) -> str:
        keymap = cast("BrainApp", self.app).live_keys
        return keys.keys(command.id, "key", keymap) or keys.keys(command.id, "letter", keymap)

    async def _do(self, command: keys.Command) -> None:
        await self.app.run_action(command.action)


def _shown(command: keys.Command, label: str, key: str) -> Content:
    return Content.assemble((f"{command.group:<9}", "dim"), label, (f"   {key}" if key else "", "bold $text-accent"))


class Palette(CommandPalette):
    """Textual's palette that ctrl+g closes, too."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+g", "escape", show=False)]

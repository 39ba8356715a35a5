"""Which embedder serves: the chosen one, or the one before it until the chosen one has read every passage.

Opening a model is its owner's business, and so is reading the passages.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from brain.errors import ModelError
from brain.store.catalog import Catalog

if TYPE_CHECKING:
    from brain.models.local import GgufEmbedder


class Embedders:
    """The embedder that serves, and the one that is to take over. Not thread-safe; `coming` is known once one serves.

    `follows` whatever another process, the owner of the store, has put in place.
    """

    def __init__(
        self, catalog: Catalog, open_one: Callable[[str], GgufEmbedder], wanted: str, *, follows: bool
    ) -> None:
        self.wanted = wanted  # by its name on the shelf
        self.coming: GgufEmbedder | None = None
        self._catalog = catalog
        self._open = open_one
        self._follows = follows
        self._serving: GgufEmbedder | None = None
        self._retired: GgufEmbedder | None = None

    def serving(self) -> GgufEmbedder:
        """The embedder whose vectors are searched, its header read. Raises ModelError."""
        if self._serving is None:
            chosen = self._open(self.wanted)
            self._serving = self._before(chosen) or chosen
            self.coming = None if self._serving is chosen else chosen
        elif self.coming and self._follows and self._catalog.model_in_use() == self.coming.name:
            self._put_in_place(self.coming)
        return self._serving

    def choose(self, name: str) -> None:
        """Another one is wanted: what serves goes on where it can. Raises ModelError, and then nothing has changed."""
        if name == self.wanted:
            return
        chosen = self._open(name)
        serving, coming, self.wanted, self.coming = self._serving, self.coming, name, None
        if coming is not None:
            coming.close()
        if serving is None or serving.name == chosen.name:
            return
        if self._serves_on(serving, chosen):
            self.coming = chosen
        else:
            self._put_in_place(chosen)

    def take_over(self) -> bool:
        """The chosen one has read every passage: it is the one that is searched from now on. False where none was coming."""
        before, chosen, catalog = self._serving, self.coming, self._catalog
        if before is None or chosen is None:
            return False
        cuts = catalog.cuts(before.recipe)
        catalog.use(chosen.name)
        catalog.note_embedder(self.wanted, chosen.recipe, cuts)
        catalog.drop_models((before.name, chosen.name))
        self._put_in_place(chosen)
        return True

    def note(self, serving: GgufEmbedder) -> None:
        """Write down what the one that serves is called on the shelf, so that it can serve on when another is chosen."""
        if self.coming is None and self._catalog.embedder_file() != self.wanted:
            self._catalog.note_embedder(self.wanted, serving.recipe, self._catalog.cuts(serving.recipe))

    def let_go(self) -> None:
        """End the one that was in use before: no search is in the middle of it any more."""
        retired, self._retired = self._retired, None
        if retired is not None:
            retired.close()

    def close(self) -> None:
        """End all of them."""
        self.let_go()
        for one in (self._serving, self.coming):
            if one is not None:
                one.close()

    def _before(self, chosen: GgufEmbedder) -> GgufEmbedder | None:
        """The one that was used before, where it can serve meanwhile; None: nothing can, or it is the chosen one."""
        file = self._catalog.embedder_file()
        if file is None or self._catalog.model_in_use() == chosen.name:
            return None
        try:
            before = self._open(file)
        except ModelError:
            return None
        return before if self._serves_on(before, chosen) else None

    def _serves_on(self, before: GgufEmbedder, chosen: GgufEmbedder) -> bool:
        """Whether there are vectors of it, of passages that the chosen one can read as they are cut."""
        is_used = self._catalog.model_in_use() == before.name and self._catalog.vectors_done(before.name) > 0
        return is_used and before.window <= chosen.window

    def _put_in_place(self, chosen: GgufEmbedder) -> None:
        self.let_go()
        self._retired, self._serving, self.coming = self._serving, chosen, None

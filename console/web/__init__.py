"""The console's web server: pages and API over the same functions of `console.store`.

How a page is made (console/web/pages/sign_in.py is one):

    router = APIRouter()

    @router.get("/holds")
    def holds(request: Request, house: TheHouse, viewer: Annotated[Viewer, Depends(may("holds.read"))]) -> Response:
        with house.store.reading() as connection:
            found = …
        return page(request, viewer, "holds.html", holds=found)

- One file in console/web/pages with a `router`, and one in console/web/api with a `router` of prefix `/api/…`; a line
  for each in console/web/routers.py.
- `viewer: Annotated[Viewer, Depends(may("holds.read"))]` refuses whoever may not, and on POST whoever has no CSRF
  token. Forms have `{{ ui.csrf() }}`; htmx sends it by itself; the API wants the header X-CSRF-Token.
- Endpoints are plain functions (they run in threads) and open their own transaction: `with house.store.reading() as
  connection:` or `writing()`. No dependency holds a connection: threads that wait for one could starve the one that
  has it.
- `return page(request, viewer, "holds.html", holds=found)` renders a template; after a POST
  `return see_other(request, "/holds", "holds.released", n=1)` leads back and says what was done.
- Errors of console.store.errors become pages and problems by themselves (console/web/errors.py); a page's own refusal
  is `raise Refusal(422, "holds.no_reason")`.
- Texts are console/texts/holds.yaml, in templates `t("holds.title")`; values go through the filters `money`,
  `instant`, `day`, `ago`, `number`, `percent`, `outside`, `short_token` and the macros of templates/macros.html.
"""

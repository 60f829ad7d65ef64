// Swagger UI on the document that the page names. Nothing of it leaves this origin.
"use strict";

// A change with the cookies of a session wants this header, as from any other page (see auth.md).
function withCsrfToken(request) {
  const found = document.cookie.match(/(?:^|; )csrf_token=([^;]*)/);
  if (found && new URL(request.url, location.href).origin === location.origin) {
    request.headers["X-CSRF-Token"] = found[1];
  }
  return request;
}

SwaggerUIBundle({
  url: document.body.dataset.openapi,
  dom_id: "#docs",
  deepLinking: true,
  displayRequestDuration: true,
  validatorUrl: null,
  requestInterceptor: withCsrfToken,
  presets: [SwaggerUIBundle.presets.apis],
});

// Swagger UI on the document that the page names. Nothing of it leaves this origin.
"use strict";

SwaggerUIBundle({
  url: document.body.dataset.openapi,
  dom_id: "#docs",
  deepLinking: true,
  displayRequestDuration: true,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
});

heldby growth app.1.held app.2.held app.3.held --limit 1 --fail-if 'type=myapp.jobs.Job,every_step=1'
